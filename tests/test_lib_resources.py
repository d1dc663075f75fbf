from workflow_scripts.lib.resources import SNAKEMAKE_MB, grow


def test_each_attempt_gets_as_much_more_as_the_first_had_beside_snakemakes_own():
    asked = [grow(2000)(None, attempt) for attempt in (1, 2, 3)]
    assert [mb - SNAKEMAKE_MB for mb in asked] == [2000, 4000, 6000]
