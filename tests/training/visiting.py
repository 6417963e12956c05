"""The order in which an epoch visits the examples, in Python's own integers."""


def order_of(n: int, seed: int, epoch: int) -> list[int]:
    """Return the documented permutation of an epoch, in Python's own integers."""
    bits, golden = 2**64 - 1, 0x9E3779B97F4A7C15

    def mixed(x: int) -> int:
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & bits
        x = (x ^ x >> 27) * 0x94D049BB133111EB & bits
        return x ^ x >> 31

    key, visited = mixed(mixed(seed + golden & bits) + epoch & bits), list(range(n))
    for last in range(n - 1, 0, -1):
        key = key + golden & bits
        chosen = (mixed(key) >> 32) * (last + 1) >> 32
        visited[last], visited[chosen] = visited[chosen], visited[last]
    return visited
