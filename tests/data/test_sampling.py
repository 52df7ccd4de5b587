from itertools import chain

from leyden.data.sampling import EpochBatches


def batches(num_rows=10, batch_size=4, seed=0, epoch=0, shuffle=True, rank=0, num_ranks=1):
    return EpochBatches(num_rows, batch_size, seed, lambda: epoch, shuffle, rank, num_ranks)


def test_an_epoch_is_a_function_of_seed_and_epoch():
    assert list(batches(seed=1, epoch=3)) == list(batches(seed=1, epoch=3))
    assert list(batches(seed=1, epoch=3)) != list(batches(seed=1, epoch=4))
    assert list(batches(seed=1, epoch=3)) != list(batches(seed=2, epoch=3))


def test_training_leaves_out_the_incomplete_batch():
    epoch = list(batches())
    assert [len(batch) for batch in epoch] == [4, 4]
    assert len(set(chain.from_iterable(epoch))) == 8


def test_fewer_rows_than_a_batch_make_one_batch():
    assert [len(batch) for batch in batches(num_rows=3)] == [3]
    assert len(batches(num_rows=3)) == 1


def test_evaluation_takes_every_row_once_on_any_number_of_ranks():
    for num_rows in (7, 8, 9, 101):
        for num_ranks in (1, 2, 3, 4):
            ranks = [
                list(batches(num_rows, 4, shuffle=False, rank=rank, num_ranks=num_ranks)) for rank in range(num_ranks)
            ]
            assert sorted(chain.from_iterable(chain.from_iterable(ranks))) == list(range(num_rows))
            assert len({len(rank) for rank in ranks}) == 1  # else a collective operation would hang
            assert all(batch for rank in ranks for batch in rank)
            assert all(len(rank) == len(batches(num_rows, 4, shuffle=False, num_ranks=num_ranks)) for rank in ranks)


def test_ranks_share_the_batches_of_one_rank():
    alone = list(batches(num_rows=32, batch_size=8))
    shared = [list(batches(num_rows=32, batch_size=8, rank=rank, num_ranks=4)) for rank in range(4)]
    for number, batch in enumerate(alone):
        assert sorted(batch) == sorted(chain.from_iterable(rank[number] for rank in shared))


def test_a_resumed_epoch_begins_where_it_was_left_and_the_next_one_is_whole():
    now = 2
    resumed = EpochBatches(20, 4, 0, lambda: now, shuffle=True)
    resumed.resume_at(epoch=2, batches_done=3)
    assert list(resumed) == list(batches(20, 4, epoch=2))[3:]
    assert len(resumed) == 5
    now = 3
    assert list(resumed) == list(batches(20, 4, epoch=3))
