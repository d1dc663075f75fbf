from workflow_scripts.plan.resources import SNAKEMAKE_MB, add_ram, count_readers, grow


def test_each_attempt_gets_as_much_more_as_the_first_had_beside_snakemakes_own():
    asked = [grow(2000)(None, attempt) for attempt in (1, 2, 3)]
    assert [mb - SNAKEMAKE_MB for mb in asked] == [2000, 4000, 6000]


def test_models_of_one_job_add_up_and_one_of_two_roles_counts_once():
    clip, dino = {"name": "clip", "ram_mb": 5000}, {"name": "dino", "ram_mb": 3000}
    assert add_ram(clip, dino, {"name": "small"}) == 8000
    assert add_ram(clip, dict(clip)) == 5000


def test_a_gpu_is_fed_by_more_readers():
    light, full = {"device": "cpu"}, {"device": "cuda"}
    assert [count_readers(light, light), count_readers(light, full)] == [2, 8]
