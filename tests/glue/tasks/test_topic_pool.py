"""Many topics at a time, and fewer where their work is Spark jobs."""

import threading

import pytest

from lean_ops.tasks.topic_pool import TopicPool


class Crowd:
    """Counts how many are inside at a time."""

    def __init__(self):
        self._lock = threading.Lock()
        self._inside = 0
        self.most = 0

    def visit(self, together):
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)
        if together is not None:
            together.wait(30)
        with self._lock:
            self._inside -= 1


def test_as_many_topics_as_there_are_threads_are_worked_on_at_a_time(job_session):
    crowd, together = Crowd(), threading.Barrier(32)
    with TopicPool(job_session, "pool", 32) as pool:
        answers = pool.each(range(64), lambda _, __: crowd.visit(together))
    # The barrier lets nobody go on before 32 have come.
    assert crowd.most == 32
    assert [task for task, _ in answers] == list(range(64))


def test_work_that_is_spark_jobs_keeps_to_fewer_at_a_time(job_session):
    crowd, together = Crowd(), threading.Barrier(3)
    with TopicPool(job_session, "pool", 32) as pool:
        pool.each(range(30), lambda _, __: crowd.visit(together), at_once=3)
    assert crowd.most == 3


def test_a_task_that_fails_makes_room_for_the_next(job_session):
    def fail(_, task):
        raise ValueError(task)

    with TopicPool(job_session, "pool", 4) as pool:
        answers = pool.each(range(10), fail, at_once=2)
    assert [str(error) for _, error in answers] == [str(task) for task in range(10)]


@pytest.mark.parametrize("at_once", [None, 1])
def test_nothing_to_do_is_no_work(job_session, at_once):
    with TopicPool(job_session, "pool", 4) as pool:
        assert pool.each([], lambda _, task: task, at_once=at_once) == []
