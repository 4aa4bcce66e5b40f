"""What a scenario is, where scenarios are found, and how one is played.

    @scenario('''
        *filter
        :FORWARD DROP
        -A FORWARD -p icmp -j ACCEPT
    ''')
    def ping(lab):
        "A plain ping crosses, and is tracked."
        lab.record("ping", lab.client.ping("203.0.113.1"))

Rule counters and connections at the end are recorded without asking.  A
scenario's name is FILE.FUNCTION, or FILE.FUNCTION[PARAM].
"""

import importlib.util
import sys
import traceback

from .kernel_lab import KernelLab
from .tapgate_lab import ROOT, TapgateLab

DIRECTORY = ROOT / "tests" / "functional" / "scenarios"
LABS = {"kernel": KernelLab, "tapgate": TapgateLab}
EMPTY_RULES = "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n"


class Scenario:
    """A function and the laboratory it wants."""

    def __init__(self, function, param, rules, fuzzy, mask, end, lab_options):
        """See scenario() for the arguments."""
        self.function = function
        self.param = param
        self.rules = rules if param is None else rules.replace("@PARAM@", str(param))
        self.fuzzy = fuzzy
        self.mask = tuple(mask.split()) if isinstance(mask, str) else tuple(mask)
        self.end = end
        self.lab_options = lab_options
        self.name = function.__name__ + ("" if param is None else "[%s]" % param)

    def play(self, kind):
        """Play it on a router: the records, [(name, [line])].

        Exceptions of the scenario or of the laboratory pass.
        """
        with LABS[kind](self.rules, **self.lab_options) as lab:
            lab.fuzzy = self.fuzzy
            lab.mask = self.mask
            if self.param is None:
                self.function(lab)
            else:
                self.function(lab, self.param)
            if self.end:
                lab.record_router(connections=self.end != "rules")
            return lab.record_list

    def try_play(self, kind):
        """As play(), but an exception becomes a record and its text: (records, text)."""
        try:
            return self.play(kind), ""
        except Exception:
            trace = traceback.format_exc()
            return [("exception", [trace.strip().splitlines()[-1]])], trace


def scenario(rules=EMPTY_RULES, fuzzy=False, mask=(), end=True, params=None, **lab_options):
    """Decorator that registers a scenario.

    @rules: iptables-save text; COMMIT and [0:0] may be left out; '@PARAM@' stands
            for the parameter.
    @fuzzy: compare counters only as zero or not: for real TCP stacks.
    @mask: fields of connections to hide, such as 'sport dport'.
    @end: record rules and connections at the end; 'rules': only those, for bulk
          transfers, whose stacks may end with a RST under load; False: nothing.
    @params: play it once for each; the function gets it as second argument.
    Further arguments are those of lab.Lab: sysctl, mtu, helpers, offload, routes, sets,
    before.
    """
    def register(function):
        registry = sys.modules[function.__module__].__dict__.setdefault("SCENARIOS", [])
        for param in params or [None]:
            registry.append(Scenario(function, param, rules, fuzzy, mask, end, lab_options))
        return function
    return register


def load_all():
    """{name: Scenario} of every file in tests/functional/scenarios, in order."""
    found = {}
    if str(DIRECTORY) not in sys.path:
        sys.path.insert(0, str(DIRECTORY))
    for path in sorted(DIRECTORY.glob("[a-z]*.py")):
        spec = importlib.util.spec_from_file_location("scenarios_" + path.stem, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        for item in getattr(module, "SCENARIOS", []):
            item.name = "%s.%s" % (path.stem, item.name)
            if item.name in found:
                raise RuntimeError("two scenarios are named " + item.name)
            found[item.name] = item
    return found
