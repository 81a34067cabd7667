#!/usr/bin/env python3
"""differential.py PLAY COMPAT [--seed N] [--programs N | --soak] [--keep-going]

Random programs of GSS calls (play.h), played on MIT's library and on ours in the realm around this program, say the same.
The first difference of a program is made small: lines and choices that it does not need are taken out.

PLAY    linked to libgssapi_krb5.so.2
COMPAT  the directory where that name is ours
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

import judgement

NUM_NUMBERS = 24
# As many as somebody has looked at.
MAX_SOAK = 6000
# A program whose two plays took longer together may have met a ticket or an authenticator that was too old.
LIMIT_S = 100
# What a program is about: how often lines of each group of operations come. play --operations tells the groups.
THEMES = (
    (8, 1, 0, 1, 0, 0, 0),   # names
    (1, 8, 0, 0, 0, 0, 0),   # mechanisms
    (2, 0, 8, 2, 1, 1, 0),   # credentials
    (1, 0, 1, 7, 4, 2, 0),   # contexts
    (0, 0, 0, 2, 2, 8, 0),   # messages
    (0, 0, 0, 1, 1, 1, 8),   # messages in pieces
    (2, 1, 3, 3, 2, 2, 1),
)
STATUS = re.compile(r"^(.*?) = ([0-9a-f]{8}) (\d+) <(.*?)>(.*)$")


class Numbers:
    """The same numbers for the same seed, whatever the version of Python (SplitMix64)."""

    def __init__(self, seed):
        self.state = seed * 0x9E3779B97F4A7C15 + 0x1234567 & 0xFFFFFFFFFFFFFFFF

    def below(self, num):
        """0..num-1."""
        self.state = self.state + 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        z = self.state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        z = (z ^ z >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        return (z ^ z >> 31) % num


class Player:
    """A process that plays programs on one library."""

    def __init__(self, play, library, directory, caches):
        env = dict(os.environ, PLAY_CACHES=caches, GSS_MECH_CONFIG=os.devnull)
        env.pop("LD_LIBRARY_PATH", None)
        # What MIT's library forgets is not ours to find, and a child ends with all it has.
        env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        if library:
            env["LD_LIBRARY_PATH"] = library
        self.directory = directory
        self.process = subprocess.Popen([play, directory], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, errors="replace")

    def start(self, now, program):
        """Let it play."""
        self.process.stdin.write(f"program {now}\n" + "".join(f"{line}\n" for line in program) + "end\n")
        self.process.stdin.flush()

    def finish(self):
        """The transcript's lines, and how it ended."""
        lines = []
        for line in self.process.stdout:
            if line.startswith("ended "):
                return lines, int(line.split()[1])
            if line != "\n":
                lines.append(line.rstrip("\n").replace(self.directory, "DIRECTORY"))
        raise SystemExit(f"play ended: {lines}")

    def close(self):
        """No more programs."""
        self.process.stdin.close()
        self.process.wait()


class Pair:
    """Both libraries."""

    def __init__(self, play, compat, top, caches):
        for name in ("mit", "our"):
            os.mkdir(os.path.join(top, name))
        self.players = (Player(play, None, os.path.join(top, "mit"), caches),
                        Player(play, compat, os.path.join(top, "our"), caches))

    def compare(self, program):
        """The first difference of a program, or None."""
        now = int(time.time())
        for player in self.players:
            player.start(now, program)
        mit, our = (player.finish() for player in self.players)
        if time.time() - now > LIMIT_S:
            return None
        return first_difference(*mit, *our)

    def differs(self, program):
        """What compare says three times: chance makes no difference."""
        found = self.compare(program)
        for _ in range(2):
            if found is not None and self.compare(program) is None:
                return None
        return found

    def close(self):
        """Both end."""
        for player in self.players:
            player.close()


def first_difference(mits, mit_end, ours, our_end):
    """(MIT's line, ours, the lines before), or None."""
    # What makes MIT's library fail is not asked of ours, but ours does not fail.
    if mit_end != 0:
        mits = mits[:-1]
    for at, (mit, our) in enumerate(zip(mits, ours)):
        verdict = judgement.judge(STATUS.match(mit), STATUS.match(our), mit, our)
        if verdict == "same":
            continue
        if verdict == "end":
            return None
        return mit, our, ours[:at]
    if mit_end == 0 and our_end == 0 and len(mits) != len(ours):
        return f"{len(mits)} lines", f"{len(ours)} lines", ours
    if our_end != 0:
        return f"ended with {mit_end}", f"ended with {our_end}", ours
    return None


def operations(play):
    """The names of each group."""
    said = subprocess.run([play, "--operations"], check=True, stdout=subprocess.PIPE, text=True).stdout
    groups = [[] for _ in THEMES[0]]
    for line in said.splitlines():
        group, name = line.split()
        groups[int(group)].append(name)
    return groups


def program_of(seed, groups):
    """Lines."""
    numbers = Numbers(seed)
    theme = THEMES[numbers.below(len(THEMES))]
    bag = [group for group, weight in zip(groups, theme) for _ in range(weight)]
    names = []
    if theme[5] + theme[6] >= 8:
        names = ["establish"]
    for _ in range(6 + numbers.below(18)):
        group = bag[numbers.below(len(bag))]
        names.append(group[numbers.below(len(group))])
    return [" ".join([name] + [str(numbers.below(1000)) for _ in range(NUM_NUMBERS)]) for name in names]


def kind_of(found):
    """What a difference is about, so that a program made smaller still shows the same one."""
    return found and (found[0].split(":")[0], re.findall(r" = \w+ \d+", found[0]), re.findall(r" = \w+ \d+", found[1]))


def shrink(pair, program):
    """Without the lines and choices that a difference does not need."""
    kind = kind_of(pair.compare(program))
    size = max(1, len(program) // 2)
    while size >= 1:
        at = 0
        while at < len(program):
            smaller = program[:at] + program[at + size:]
            if kind_of(pair.compare(smaller)) == kind:
                program = smaller
            else:
                at += size
        size //= 2
    for at, line in enumerate(program):
        words = line.split()
        for cut in (1, 3, 6, 10):
            if kind_of(pair.compare(program[:at] + [" ".join(words[:cut])] + program[at + 1:])) == kind:
                words = words[:cut]
                break
        for number in range(len(words) - 1, 0, -1):
            if words[number] == "0":
                continue
            tried = words[:number] + ["0"] + words[number + 1:]
            if kind_of(pair.compare(program[:at] + [" ".join(tried)] + program[at + 1:])) == kind:
                words = tried
        program[at] = re.sub(r"( 0)+$", "", " ".join(words))
    return program


def report(pair, seed, program):
    """What is different, in the shortest program that shows it."""
    program = shrink(pair, program)
    found = pair.compare(program)
    print(f"seed {seed}:")
    for line in program:
        print(f"    {line}")
    if found is None:
        print("  gone when shown")
        return
    mit, our, before = found
    for line in before[-6:]:
        print(f"  {line}")
    print(f"  MIT's: {mit}\n  ours:  {our}\n", flush=True)


def fill_caches(top):
    """Copies of the users' caches with the services' tickets: programs begin with them."""
    realm = os.environ["BATON_REALM_DIR"]
    services = [f"{name}/server.baton.test" for name in
                ("host", "HTTP", "plain", "enc16", "enc17", "enc18", "enc19", "enc20", "enc23", "enc25")]
    for user in ("alice", "bob"):
        path = os.path.join(top, f"{user}.ccache")
        with open(os.path.join(realm, f"{user}.ccache"), "rb") as old, open(path, "wb") as new:
            new.write(old.read())
        subprocess.run(["kvno", "-q", "-c", path, *services], check=False, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)


def settle_clocks(top):
    """Libraries do not follow the KDC's clock: times are the same in both plays."""
    with open(os.path.join(os.environ["BATON_REALM_DIR"], "krb5.conf"), encoding="utf-8") as old:
        text = old.read().replace("[libdefaults]\n", "[libdefaults]\n\tkdc_timesync = 0\n", 1)
    path = os.path.join(top, "krb5.conf")
    with open(path, "w", encoding="utf-8") as new:
        new.write(text)
    os.environ["KRB5_CONFIG"] = path


def main():
    """0 if no program tells the libraries apart."""
    parser = argparse.ArgumentParser()
    parser.add_argument("play")
    parser.add_argument("compat")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--programs", type=int, default=400)
    parser.add_argument("--soak", action="store_true", help="for SOAK_SECONDS instead")
    parser.add_argument("--keep-going", action="store_true")
    options = parser.parse_args()
    groups = operations(options.play)
    num_found = 0
    with tempfile.TemporaryDirectory() as top:
        settle_clocks(top)
        fill_caches(top)
        pair = Pair(options.play, options.compat, top, top)
        until = time.monotonic() + int(os.environ.get("SOAK_SECONDS", "600")) if options.soak else None
        seed = options.seed
        end = seed + (MAX_SOAK if options.soak else options.programs)
        while seed < end and (until is None or time.monotonic() < until):
            program = program_of(seed, groups)
            if pair.differs(program) is not None:
                report(pair, seed, program)
                num_found += 1
                if not options.keep_going:
                    break
            seed += 1
        pair.close()
    print(f"{seed - options.seed} programs, {num_found} differences")
    return 1 if num_found else 0


if __name__ == "__main__":
    sys.exit(main())
