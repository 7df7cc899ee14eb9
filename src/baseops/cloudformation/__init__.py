"""CloudFormation from our side: building templates, change sets, drift, settings; never what a resource means."""
