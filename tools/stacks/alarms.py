"""The alarms of an environment: what nobody would notice before a run is missed."""

from __future__ import annotations

from typing import Any

from tools.model import names
from tools.stacks.inputs import Inputs
from tools.stacks.template import Json, attribute, reference, resource

_PERIOD = 300
_UNREAD_SECONDS = 900


def dead_events_alarm(inputs: Inputs) -> Json:
    """Rings where what ECS told of a task could not be read."""
    told = ("dead-task-events", "The worker could not read what ECS told of a task")
    return _queue_alarm(inputs, *told, "DeadTaskEvents", "ApproximateNumberOfMessagesVisible", above=0, periods=1)


def unread_events_alarm(inputs: Inputs) -> Json:
    """Rings where the worker does not read what ECS tells of tasks."""
    told = ("unread-task-events", "The worker has not read for 15 minutes what ECS tells of tasks")
    return _queue_alarm(inputs, *told, "TaskEvents", "ApproximateAgeOfOldestMessage", above=_UNREAD_SECONDS, periods=2)


def worker_gone_alarm(inputs: Inputs) -> Json:
    """Rings where no worker has run for a quarter of an hour: only a task that runs is measured."""
    return _alarm(
        inputs,
        "worker-gone",
        "No worker: runs stay late until there is one again",
        Namespace="AWS/ECS",
        MetricName="CPUUtilization",
        Dimensions=[
            {"Name": "ClusterName", "Value": reference("Cluster")},
            {"Name": "ServiceName", "Value": attribute("Worker", "Name")},
        ],
        Statistic="SampleCount",
        EvaluationPeriods=3,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
    )


def _queue_alarm(
    inputs: Inputs, name: str, description: str, queue: str, metric: str, *, above: int, periods: int
) -> Json:
    """Rings where a metric of a queue, which is named by its logical id, is above a threshold for some periods."""
    return _alarm(
        inputs,
        name,
        description,
        Namespace="AWS/SQS",
        MetricName=metric,
        Dimensions=[{"Name": "QueueName", "Value": attribute(queue, "QueueName")}],
        Statistic="Maximum",
        EvaluationPeriods=periods,
        Threshold=above,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )


def _alarm(inputs: Inputs, name: str, description: str, **what: Any) -> Json:
    told = {"AlarmActions": [inputs.alarm_topic]} if inputs.alarm_topic else {}
    named = {
        "AlarmName": f"{names.PLATFORM}-{inputs.place.environment}-{name}",
        "AlarmDescription": description,
        "Period": _PERIOD,
    }
    return resource("CloudWatch::Alarm", {**named, **what, **told})
