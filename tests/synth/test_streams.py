from occreid.synth.streams import Stream


def test_no_two_things_share_a_stream():
    assert len({stream.value for stream in Stream}) == len(Stream.__members__)
