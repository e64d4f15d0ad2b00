"""The arithmetic of scripts/recordings.sh.

  name SOURCE TARGET    copies the exchanges, each named by its step where it named its resource
  judge REPORT ...      tells the figures of a replay of those, and holds them against the floor

What is left out, and why, is in recordings.excluded, a step, a range of steps or a test to a line:

  # clients
  TestAccClientX#12        why it cannot be answered alike on this server
  TestAccClientX#14-17,20  the reason of several steps
  TestAccClientY           the reason of a whole test

A line that names no step of the recordings is a mistake; so is one without a reason.
"""

import argparse
import collections
import json
import os
import sys


def name(source, target):
    with open(source) as exchanges, open(target, "w") as out:
        for line in exchanges:
            exchange = json.loads(line)
            exchange["resource"] = f"{exchange['resource']}\t{exchange['test']}\t{exchange['seq']}"
            out.write(json.dumps(exchange) + "\n")


def steps_of(test, text, known):
    """`3-5,9` as steps of a test; within a range there may be gaps."""
    for part in text.split(","):
        first, _, last = part.partition("-")
        if last:
            yield from [(test, step) for step in range(int(first), int(last) + 1) if (test, step) in known]
        else:
            yield test, int(first)


def excluded(path, known):
    """(test, step) to the line that lists it."""
    listed, mistakes = {}, []
    for number, line in enumerate(open(path) if os.path.exists(path) else [], 1):
        what, _, reason = line.strip().partition(" ")
        if not what or what.startswith("#"):
            continue
        test, _, steps = what.partition("#")
        meant = list(steps_of(test, steps, known)) if steps else [key for key in known if key[0] == test]
        # Part of the recordings may be all that was replayed.
        if any(test == one for one, _ in known) and (not meant or any(key not in known for key in meant)):
            mistakes.append(f"{path}:{number}: there is no such step: {what}")
        if not reason.strip():
            mistakes.append(f"{path}:{number}: no reason: {what}")
        for key in meant:
            listed.setdefault(key, (number, what, reason.strip()))
    return listed, mistakes


def share(counts):
    # Rounded down, so that the figure written is never above the one measured.
    whole = sum(counts.values())
    return int(1000 * counts["pass"] / whole) / 1000 if whole else None


def floor_of(path):
    floor = {}
    if path and os.path.exists(path):
        for line in open(path):
            if line.strip() and not line.startswith("#"):
                resource, score = line.split()
                floor[resource] = float(score)
    return floor


def judge(args):
    replayed = json.load(open(args.replayed))
    results, resources = {}, {}
    for key, counts in replayed["by_resource"].items():
        resource, test, step = key.split("\t")
        # A step that passed in one of several goes passed only in part.
        results[test, int(step)] = next(result for result in ("fail", "cascade", "unbound", "pass") if counts.get(result))
        resources[test, int(step)] = resource
    problems = {(row["test"], row["seq"]): (row["op"], row["problems"]) for row in replayed["failures"]}
    listed, mistakes = excluded(args.excluded, results)

    whole, judged = collections.defaultdict(collections.Counter), collections.defaultdict(collections.Counter)
    for key, result in results.items():
        whole[resources[key]][result] += 1
        if key not in listed:
            judged[resources[key]][result] += 1
    for key, result in results.items():
        if result != "pass" and (args.verbose == "-vv" or args.verbose and key not in listed):
            op, why = problems.get(key, ("", [f"{result}: follows from an earlier step"]))
            print(f"{resources[key]}: {key[0]}#{key[1]} {op}: {'; '.join(why[:3])}" + (" [listed]" if key in listed else ""))
    by_line = collections.defaultdict(list)
    for key, line in listed.items():
        if key in results:
            by_line[line].append(results[key])
    for (number, what, _), found in by_line.items():
        if all(result == "pass" for result in found):
            print(f"{args.excluded}:{number}: {what} is listed and passes: the line can go")

    print("  all  judged  passed of those judged, and left out")
    for resource in sorted(whole, key=lambda resource: -sum(whole[resource].values())):
        every, some = whole[resource], judged[resource]
        out = sum(every.values()) - sum(some.values())
        figure = share(some)
        print(f"{share(every):5.3f}   {'    -' if figure is None else f'{figure:5.3f}'}  {some['pass']:5d} of {sum(some.values()):5d}, {out:3d}  {resource}")
    every, some = sum(whole.values(), collections.Counter()), sum(judged.values(), collections.Counter())
    print(f"{share(every):5.3f}   {share(some) or 0:5.3f}  {some['pass']:5d} of {sum(some.values()):5d}, {sum(every.values()) - sum(some.values()):3d}  altogether")
    if args.report:
        steps = [
            {"resource": resources[key], "test": key[0], "step": key[1], "result": result, "listed": key in listed,
             "op": problems.get(key, ("",))[0], "problems": problems.get(key, ("", []))[1]}
            for key, result in results.items() if result != "pass"
        ]
        json.dump({"all": whole, "judged": judged, "steps": steps}, open(args.report, "w"), indent=1)
    for mistake in mistakes:
        print(mistake)
    return hold(args, {resource: share(counts) for resource, counts in judged.items() if counts}) and not mistakes


def hold(args, found):
    """Whether no figure fell below its floor."""
    if not args.floor:
        return True
    floor = floor_of(args.floor)
    # A resource of which everything is left out has no figure, and no floor.
    fallen = [(resource, score, found[resource]) for resource, score in floor.items() if found.get(resource, score) < score - 0.0005]
    for resource, score, now in fallen:
        print(f"fallen: {resource} scores {now:.3f}, its floor is {score:.3f}")
    risen = [resource for resource, now in found.items() if now > floor.get(resource, 0.0) + 0.0005]
    if args.rise and not fallen:
        kept = {resource: max(floor.get(resource, 0.0), found.get(resource, 0.0)) for resource in {*floor, *found}}
        with open(args.floor, "w") as out:
            out.write("# The share of recorded exchanges that are answered alike, by resource of the Management API.\n")
            out.write("# Raised by scripts/recordings.sh --raise; never lowered.\n")
            for resource in sorted(kept):
                if kept[resource] > 0:
                    out.write(f"{resource} {kept[resource]:.3f}\n")
        print(f"floor: {len(risen)} resources rose")
    elif risen:
        print(f"{len(risen)} resources score above their floor: scripts/recordings.sh --raise writes that down")
    return not fallen


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    naming = commands.add_parser("name")
    naming.add_argument("source")
    naming.add_argument("target")
    judging = commands.add_parser("judge")
    judging.add_argument("replayed")
    judging.add_argument("--excluded", required=True)
    judging.add_argument("--floor", default="")
    judging.add_argument("--raise", dest="rise", default="")
    judging.add_argument("--verbose", default="")
    judging.add_argument("--report", default="")
    args = parser.parse_args()
    if args.command == "name":
        name(args.source, args.target)
        return 0
    return 0 if judge(args) else 1


if __name__ == "__main__":
    sys.exit(main())
