"""The page: one self-contained HTML file on what was proven, drawn from evidence, drills and series alone.

It reads no account and runs nothing. `proof` and `rehearsal` say what a page holds, `page` is its shape as frozen
data, `render` makes the text, `file` puts it in its place. `plots` needs the extra baseops-aws[page]; without it the
page shows the same figures as tables and says what is missing.
"""
