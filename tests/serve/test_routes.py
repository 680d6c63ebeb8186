def test_a_person_enrolled_is_found(api, picture):
    for seed in range(6):
        answer = api.enrol(picture(seed), camera=seed % 3, time=1000 + seed, person=seed, tags=["hall"])
        assert answer.status_code == 200 and answer.json()["added"]
    found = api.search(picture(4), k=3).json()
    assert [hit["pid"] for hit in found["hits"]][0] == 4 and len(found["hits"]) == 3
