"""What a run's page says of the whole run, of which it may show only some scenes. Pure."""

from history.deciding import deciding
from history.models import Scene
from history.run_page.reading import Read
from history.run_page.scenes import is_problem
from history.run_page.why import reason_of
from history.strip import SceneNow, status_of


def scenes_now(read: Read) -> list[SceneNow]:
    """Return all scenes of the run, and where each is."""
    return [SceneNow(scene.external_id, _status(scene, read)) for scene in read.all_scenes]


def _status(scene: Scene, read: Read) -> str:
    running, tried = scene.pk in read.running, scene.attempt_count > 0
    return status_of(scene.outcome, running, scene.open_count > 0, tried)


def problems(read: Read) -> int:
    """Return how many scenes of the run ended other than they should, or nobody knows how."""
    return sum(is_problem(_status(scene, read)) for scene in read.all_scenes)


def reasons(read: Read) -> dict[int, str]:
    """Return by scene why it did not complete, "" where nobody told."""
    known = read.elsewhere | read.attempts
    return {
        scene.pk: reason_of(scene, deciding(scene, known.get(scene.pk, [])))
        for scene in read.all_scenes
    }
