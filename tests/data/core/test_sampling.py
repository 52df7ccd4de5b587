from itertools import chain

import pytest
import torch

from leyden.data.core.error import DataError
from leyden.data.core.sampling import MIXED_CHUNKS, EpochBatches


def batches(num_samples=10, batch_size=4, seed=0, epoch=0, shuffle=True, rank=0, num_ranks=1):
    return EpochBatches(num_samples, batch_size, seed, lambda: epoch, shuffle, rank, num_ranks)


def test_an_epoch_is_a_function_of_seed_and_epoch():
    assert list(batches(seed=1, epoch=3)) == list(batches(seed=1, epoch=3))
    assert list(batches(seed=1, epoch=3)) != list(batches(seed=1, epoch=4))
    assert list(batches(seed=1, epoch=3)) != list(batches(seed=2, epoch=3))


def test_training_leaves_out_the_incomplete_batch():
    epoch = list(batches())
    assert [len(batch) for batch in epoch] == [4, 4]
    assert len(set(chain.from_iterable(epoch))) == 8


def test_fewer_samples_than_a_batch_make_one_batch():
    assert [len(batch) for batch in batches(num_samples=3)] == [3]
    assert len(batches(num_samples=3)) == 1


def test_evaluation_takes_every_sample_once_on_any_number_of_ranks():
    for num_samples in (7, 8, 9, 101):
        for num_ranks in (1, 2, 3, 4):
            ranks = [
                list(batches(num_samples, 4, shuffle=False, rank=rank, num_ranks=num_ranks))
                for rank in range(num_ranks)
            ]
            assert sorted(chain.from_iterable(chain.from_iterable(ranks))) == list(range(num_samples))
            assert len({len(rank) for rank in ranks}) == 1  # otherwise, a collective operation would hang
            assert all(batch for rank in ranks for batch in rank)
            assert all(len(rank) == len(batches(num_samples, 4, shuffle=False, num_ranks=num_ranks)) for rank in ranks)


def test_ranks_share_the_batches_of_one_rank():
    alone = list(batches(num_samples=32, batch_size=8))
    shared = [list(batches(num_samples=32, batch_size=8, rank=rank, num_ranks=4)) for rank in range(4)]
    for number, batch in enumerate(alone):
        assert sorted(batch) == sorted(chain.from_iterable(rank[number] for rank in shared))


def test_a_batch_that_ranks_cannot_share_is_refused():
    with pytest.raises(DataError, match=r"data\.batch_size=4 is not divisible by the number of devices, 3"):
        batches(num_ranks=3)


def test_a_resumed_epoch_begins_where_it_was_left_and_the_next_one_is_whole():
    now = 2
    resumed = EpochBatches(20, 4, 0, lambda: now, shuffle=True)
    resumed.resume_at(epoch=2, batches_done=3)
    assert list(resumed) == list(batches(20, 4, epoch=2))[3:]
    assert len(resumed) == 5
    now = 3
    assert list(resumed) == list(batches(20, 4, epoch=3))


def test_a_trainer_that_is_being_set_up_does_not_know_its_epoch():
    now = 0
    resumed = EpochBatches(20, 4, 0, lambda: now, shuffle=True)
    resumed.resume_at(epoch=2, batches_done=3)
    assert list(resumed) == list(batches(20, 4, epoch=2))[3:]


def test_an_epoch_that_is_repeated_has_the_same_batches_also_where_it_resumes():
    now = 0
    repeated = EpochBatches(20, 4, 0, lambda: now, shuffle=True, repeats=True)
    first = list(batches(20, 4))
    assert list(repeated) == first
    now = 2
    assert list(repeated) == first
    repeated.resume_at(epoch=2, batches_done=3)
    assert list(repeated) == first[3:]
    now = 3
    assert list(repeated) == first


LENGTHS = torch.randint(1, 200, (1000,), generator=torch.Generator().manual_seed(0))


def bucketed(epoch=0, shuffle=True, rank=0, num_ranks=1, bucket_batches=8, num_samples=1000):
    lengths = LENGTHS[:num_samples]
    return EpochBatches(num_samples, 16, 0, lambda: epoch, shuffle, rank, num_ranks, lengths, bucket_batches)


def padding(epoch):
    """Share of padding in padded batches."""
    places = sum(len(batch) * LENGTHS[batch].max() for batch in epoch)
    return 1 - sum(LENGTHS[batch].sum() for batch in epoch) / places


def test_samples_of_similar_length_share_a_batch():
    chance = padding(batches(num_samples=1000, batch_size=16))
    assert padding(bucketed()) < chance / 4
    assert padding(bucketed(shuffle=False)) < chance / 10


def test_bucketed_training_sees_the_samples_of_any_training_in_another_order_each_epoch():
    epoch = list(bucketed())
    assert [len(batch) for batch in epoch] == [16] * 62
    assert len(bucketed()) == 62
    samples = list(chain.from_iterable(epoch))
    assert len(set(samples)) == len(samples)
    assert set(samples) == set(chain.from_iterable(batches(num_samples=1000, batch_size=16)))
    assert epoch == list(bucketed())
    assert epoch != list(bucketed(epoch=1))
    longest = torch.tensor([LENGTHS[batch].max().item() for batch in epoch])
    assert not longest.equal(longest.sort(descending=True)[0])  # the batches are not sorted
    assert {frozenset(batch) for batch in epoch}.isdisjoint(frozenset(batch) for batch in bucketed(epoch=1))


def test_a_bucket_of_one_batch_is_the_order_of_chance():
    by_chance = batches(num_samples=1000, batch_size=16)
    assert {frozenset(batch) for batch in bucketed(bucket_batches=1)} == {frozenset(batch) for batch in by_chance}


@pytest.mark.parametrize("num_ranks", [2, 4])
def test_ranks_share_bucketed_batches(num_ranks):
    for shuffle in (True, False):
        ranks = [list(bucketed(shuffle=shuffle, rank=rank, num_ranks=num_ranks)) for rank in range(num_ranks)]
        for number, batch in enumerate(bucketed(shuffle=shuffle)):
            assert sorted(batch) == sorted(chain.from_iterable(rank[number] for rank in ranks))


def test_bucketed_evaluation_takes_every_sample_once_the_longest_first():
    for num_samples in (1, 15, 16, 17, 33, 999):
        for num_ranks in (1, 4):
            shared = [
                bucketed(shuffle=False, rank=r, num_ranks=num_ranks, num_samples=num_samples) for r in range(num_ranks)
            ]
            owners = [rank for rank in shared if not rank.is_surplus]
            assert sorted(chain.from_iterable(chain(*owners))) == list(range(num_samples))
            assert all(len(list(rank)) == len(shared[0]) for rank in shared)  # all ranks take part in every batch
            assert len(owners) == min(num_ranks, num_samples)
    lengths = LENGTHS[list(chain.from_iterable(bucketed(shuffle=False)))]
    assert lengths.equal(LENGTHS.sort(descending=True)[0])


def test_a_bucketed_epoch_resumes_where_it_was_left():
    resumed = bucketed(epoch=2)
    resumed.resume_at(epoch=2, batches_done=40)
    assert list(resumed) == list(bucketed(epoch=2))[40:]
    assert len(resumed) == 62


def of_chunks(epoch, lengths=None):
    sizes = torch.tensor([7, 5] * 40)
    return EpochBatches(480, 8, 0, lambda: epoch, True, lengths=lengths, bucket_batches=2, chunks=sizes), sizes


@pytest.mark.parametrize("lengths", [None, torch.arange(480) % 11 + 1])
def test_samples_of_a_chunk_stay_near_one_another(lengths):
    epochs = []
    for epoch in (0, 0, 1):
        batches, sizes = of_chunks(epoch, lengths)
        samples = list(chain.from_iterable(batches))
        assert sorted(samples) == list(range(480))
        epochs.append(samples)
        places = torch.empty(480)
        places[samples] = torch.arange(480.0)
        spans = [part.max() - part.min() for part in places.split(sizes.tolist())]
        assert max(spans) < (MIXED_CHUNKS + 1) * 7 + 2 * 16  # samples may move within a bucket of 16, at both ends
    assert epochs[0] == epochs[1] != epochs[2]


def test_evaluation_of_chunks_sorts_within_buckets():
    lengths = torch.arange(480) % 11 + 1
    samples = list(chain.from_iterable(EpochBatches(480, 8, 0, int, False, 0, 1, lengths, 2, torch.tensor([12] * 40))))
    for begin in range(0, 480, 16):
        bucket = samples[begin : begin + 16]
        assert sorted(bucket) == list(range(begin, begin + 16))
        assert [int(lengths[sample]) for sample in bucket] == sorted(
            (int(lengths[sample]) for sample in bucket), reverse=True
        )
