"""The edge to AWS: sessions, paging, error translation; it holds no rules of ours."""
