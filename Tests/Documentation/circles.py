"""Circles of files: the strongly connected components of a target's arrows."""


def circles(arrows):
    """The sets of files that reach one another, largest first; a file alone is none."""
    graph = {}
    for arrow in arrows:
        graph.setdefault(arrow.source, []).append(arrow.destination)
        graph.setdefault(arrow.destination, [])
    found = [component for component in _components(graph) if len(component) > 1]
    return sorted(found, key=lambda component: (-len(component), sorted(component)))


def _components(graph):
    """Tarjan's algorithm, with a stack of its own instead of recursion."""
    numbers, lowest, stack, on_stack, found = {}, {}, [], set(), []
    for root in graph:
        if root in numbers:
            continue
        work = [(root, iter(graph[root]))]
        numbers[root] = lowest[root] = len(numbers)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            following = next(rest, None)
            if following is None:
                work.pop()
                if work:
                    lowest[work[-1][0]] = min(lowest[work[-1][0]], lowest[node])
                if lowest[node] == numbers[node]:
                    component = set()
                    while node not in component:
                        component.add(stack.pop())
                    on_stack -= component
                    found.append(component)
            elif following not in numbers:
                numbers[following] = lowest[following] = len(numbers)
                stack.append(following)
                on_stack.add(following)
                work.append((following, iter(graph[following])))
            elif following in on_stack:
                lowest[node] = min(lowest[node], numbers[following])
    return found


def best_cut(arrows, circle):
    """(source, destination, files left): the arrow without which the largest circle left of `circle` is smallest."""
    inside = [arrow for arrow in arrows if arrow.source in circle and arrow.destination in circle]
    pairs = sorted({(arrow.source, arrow.destination) for arrow in inside})

    def left(pair):
        rest = circles([arrow for arrow in inside if (arrow.source, arrow.destination) != pair])
        return len(rest[0]) if rest else 1

    best = min(pairs, key=left)
    return *best, left(best)
