"""SQS in the sandbox: moto's queues, with the metrics that alarms look at."""
