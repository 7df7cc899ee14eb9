"""The sandbox's CloudFormation: stacks as AWS runs them, over the sandbox's own APIs and on its virtual time.

`records` are what is remembered, `goals` what is asked for, `comparison` what a change set says, `work` runs tasks
side by side on the ticker, `handler` makes one resource, `deployment`, `rollback` and `removal` tell how a stack is
made, undone and deleted, `drift` compares with the live resources. The operations are in `operations/` by noun;
`services/cloudformation` puts them together. Template logic is `semantics.templates`, resource types are `kinds`.
"""
