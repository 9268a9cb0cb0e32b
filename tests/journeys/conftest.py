import pytest

from tests.journeys.town import open_town


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with open_town(tmp_path_factory.mktemp("town")) as opened:
        yield opened
