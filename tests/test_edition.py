"""For whom the pages of a report are decides whether they hold code, and which pages may stand in one report."""

import pytest

from notebooks import write_notebook
from test_batch import Recorder
from test_batch_engine import register, run  # noqa: F401 - fixtures
from zorgpad.batch import Edition


@pytest.mark.parametrize(
    ("policy", "audience", "has_code"),
    [
        ("werkgroep", None, False),
        ("werkgroep", "onderzoeker", True),
        ("werkgroep", "werkgroep", False),
    ],
)
def test_only_a_researcher_gets_the_code(run, tmp_path, policy, audience, has_code):  # noqa: F811 - a fixture
    """Unless it is asked for, nobody does."""
    recorder = Recorder()
    run([write_notebook(tmp_path / "a.ipynb")], policy=policy, edition=Edition(audience), executor=recorder)
    assert {job.about.has_code for job in recorder.jobs} == {has_code}


def test_who_reads_under_a_policy():
    """Numbers that are not protected are for researchers, unless said otherwise."""
    assert Edition().reader("intern") == "onderzoeker"
    assert Edition().reader("cbs") == "werkgroep"
    assert Edition("werkgroep").reader("intern") == "werkgroep"


def test_pages_for_another_audience_are_made_anew_and_not_mixed(run, tmp_path):  # noqa: F811 - a fixture
    """A page with code is not the page without; one report holds one of them."""
    paths = [write_notebook(tmp_path / f"{name}.ipynb") for name in "ab"]
    run(paths, executor=Recorder())
    again = Recorder()
    result = run(paths[:1], edition=Edition("onderzoeker"), executor=again)
    assert (len(again.jobs), result.n_reused, result.n_dropped) == (2, 0, 2)
