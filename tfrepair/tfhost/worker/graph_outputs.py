"""Which tensors of a graph of TensorFlow 1 are a model's answers.

A graph does not say. Rules, in this order: leaves that depend on an input and on a variable and
have a batch axis; else what a label is compared with, outside of the loss's own scope; else what is
computed with the last variables. What separately trained parts hand to each other is an answer,
too. Knows only the graph's structure; what it cannot decide is for the user to name.

Source: rules and the graphs that they were tried on, ``tests/tfhost/worker/test_metagraph.py``.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations

from tfrepair.tfhost.worker.graph_inputs import Feeds
from tfrepair.tfhost.worker.graph_view import GraphView, TensorRef

VARIABLES = frozenset({"Variable", "VariableV2", "VarHandleOp", "AutoReloadVariable"})

GRADIENTS = re.compile(r"(?:^|/)gradients(?:_\d+)?/")
"""Scope in which ``tf.gradients`` builds."""

_NO_ANSWERS = frozenset(
    {
        "Assert", "Print", "PrintV2", "Switch", "RefSwitch", "Enter", "RefEnter", "Exit", "RefExit",
        "NextIteration", "LoopCond", "Shape", "ShapeN", "Size", "Rank", "Save", "SaveV2",
        "SaveSlices", "Restore", "RestoreV2", "RestoreSlice", "NoOp", "Const", "StopGradient",
    }
)  # fmt: skip
_ASIDE = frozenset(
    {"Assert", "Print", "Shape", "ShapeN", "Size", "Rank", "Save", "SaveV2", "SaveSlices"}
)
"""What looks at a tensor without computing anything with its values."""

UPDATES = re.compile(r"^(?:Resource|Sparse)*(?:Apply|Assign|Scatter)")
"""Operations that change a variable, which is their first input."""
_ENTROPY = frozenset({"SoftmaxCrossEntropyWithLogits", "SparseSoftmaxCrossEntropyWithLogits"})
_GUARDS = frozenset({"Minimum", "Maximum", "Add", "AddV2", "ClipByValue"})
"""What keeps the argument of a logarithm away from zero."""
_ACTIVATIONS = frozenset({"Softmax", "Sigmoid"})
_STRING, _RESOURCE, _VARIANT = 7, 20, 21
_VARIABLE = 1
_ASSERTS = re.compile(r"(?:^|/)assert")
_LAST_LAYER = "the only tensor that is computed with the last variables"
_LAST_LAYERS = "what is computed with the last variables"
_HANDED = ", and what separately trained parts hand to each other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Chosen outputs.

    Attributes
    ----------
    refs
        In the order of the graph; empty if no rule gives any.
    rule
        How they were found, in words.
    others
        Tensors that may be meant instead.
    is_sure
        False for the last resort.
    """

    refs: tuple[TensorRef, ...]
    rule: str
    others: tuple[TensorRef, ...] = ()
    is_sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Join:
    """A node where something that only labels feed meets something that was computed."""

    node: str
    answers: tuple[TensorRef, ...]
    labels: int


def find_answers(
    graph: GraphView,
    feeds: Feeds,
    losses: Collection[str],
    parts: Collection[frozenset[str]] = (),
) -> Answers:
    """Choose outputs.

    Parameters
    ----------
    graph
        The whole graph.
    feeds
        What it is fed with; switches are no inputs.
    losses
        Nodes that are minimized: never answers, whatever their shape.
    parts
        Variables that are trained together, for each training step of several.
    """
    search = _Search(graph, feeds)
    answers = search.answers(losses)
    handed = [ref for ref in search.handed(parts) if ref not in answers.refs]
    if not handed:
        return answers
    order = {name: place for place, name in enumerate(graph.nodes)}
    refs = sorted((*answers.refs, *handed), key=lambda ref: order[ref.node])
    others = tuple(ref for ref in answers.others if ref not in handed)
    return Answers(refs=tuple(refs), rule=answers.rule + _HANDED, others=others, is_sure=False)


class _Search:
    """Dependencies of every node as a bit mask: the first bit for variables, one for each feed."""

    def __init__(self, graph: GraphView, feeds: Feeds) -> None:
        self._graph = graph
        self._feeds = feeds
        self._masks: dict[str, int] = {}
        self._order = {name: place for place, name in enumerate(graph.nodes)}
        variables = [TensorRef(name) for name, node in graph.nodes.items() if node.op in VARIABLES]
        self._spread(variables, _VARIABLE)
        self._own: dict[TensorRef, int] = {}
        for place, ref in enumerate(feeds.tensors):
            self._own[ref] = 2 << place
            self._spread([ref], 2 << place)

    def _spread(self, refs: list[TensorRef], bit: int) -> None:
        for name in self._graph.descendants(refs, through=self._is_forward):
            self._masks[name] = self._masks.get(name, 0) | bit

    def _is_forward(self, name: str) -> bool:
        return not GRADIENTS.search(name)

    def _mask(self, ref: TensorRef) -> int:
        if self._graph.nodes[ref.node].op in VARIABLES:
            return _VARIABLE
        if ref in self._own:
            return self._own[ref]
        if any(fed.node == ref.node for fed in self._own):
            return 0
        return self._masks.get(ref.node, 0)

    def answers(self, losses: Collection[str]) -> Answers:
        joins, labels = self._last_joins(losses)
        leaves = [ref for ref in self._leaves() if ref.node not in losses]
        clean = [ref for ref in leaves if not self._mask(ref) & labels]
        clean = [ref for ref in clean if not self._is_sequence(ref)] or clean
        compared = self._compared(joins, labels)
        if clean or (leaves and not compared):
            rule = "what nothing else is computed from, and depends on an input and a variable"
            chosen = clean or leaves
        else:
            rule = "what a label is compared with"
            chosen = [*compared, *self._activated(compared)]
        last = [ref for ref in self._last_layers(labels) if ref.node not in losses]
        if not chosen and last:
            rule = _LAST_LAYER if len(last) == 1 else _LAST_LAYERS
            return Answers(refs=tuple(last), rule=rule, is_sure=False)
        others = [ref for ref in (*compared, *leaves, *last) if ref not in chosen]
        ordered = sorted(set(chosen), key=lambda ref: self._order[ref.node])
        return Answers(refs=tuple(ordered), rule=rule, others=tuple(dict.fromkeys(others)))

    def handed(self, parts: Collection[frozenset[str]]) -> list[TensorRef]:
        """Return what one of several parts computes alone and another one takes: a GAN's images."""
        disjoint = all(not one & two for one, two in combinations(parts, 2))
        if len(parts) < 2 or not disjoint:
            return []
        reach: dict[str, set[int]] = {}
        for place, part in enumerate(parts):
            refs = [TensorRef(name) for name in part]
            for name in self._graph.descendants(refs, through=self._is_forward):
                reach.setdefault(name, set()).add(place)
        return [
            TensorRef(name)
            for name, own in reach.items()
            if len(own) == 1
            and self._may_answer(TensorRef(name))
            and any(
                len(reach.get(taker, ())) > 1 and self._takes_variables(taker)
                for taker, _ in self._graph.consumers.get(name, ())
            )
        ]

    def _last_layers(self, labels: int) -> list[TensorRef]:
        """Return what the last variables are combined with; losses are computed from it."""
        return [
            TensorRef(name)
            for name in self._graph.nodes
            if self._may_answer(TensorRef(name))
            and not self._mask(TensorRef(name)) & labels
            and self._takes_variables(name)
            and not self._goes_on(name)
        ]

    def _takes_variables(self, name: str) -> bool:
        return any(
            self._mask(ref) == _VARIABLE and self._graph.shape(ref) != ()
            for ref in self._graph.inputs(name)
        )

    def _leaves(self) -> list[TensorRef]:
        return [
            TensorRef(name)
            for name in self._graph.nodes
            if self._may_answer(TensorRef(name))
            and all(self._is_aside(taker) for taker, _ in self._graph.consumers.get(name, ()))
        ]

    def _is_sequence(self, ref: TensorRef) -> bool:
        """Tell whether a recurrent layer left this behind: all its steps, which it always gives."""
        inputs = self._graph.inputs(ref.node)
        ops = [self._graph.nodes[node].op for node in (ref.node, *(i.node for i in inputs[:1]))]
        return ops == ["Transpose", "TensorArrayGatherV3"]

    def _is_aside(self, name: str) -> bool:
        op = self._graph.nodes[name].op
        return bool(GRADIENTS.search(name)) or op in _ASIDE or "Summary" in op

    def _may_answer(self, ref: TensorRef) -> bool:
        op = self._graph.nodes[ref.node].op
        mask = self._mask(ref)
        if not mask & _VARIABLE or mask == _VARIABLE or GRADIENTS.search(ref.node):
            return False
        if op in _NO_ANSWERS or "Summary" in op or UPDATES.match(op) or _ASSERTS.search(ref.node):
            return False
        if self._graph.dtype(ref) in (0, _STRING, _RESOURCE, _VARIANT):
            return False
        return not self._graph.is_reference(ref.node) and self._has_batch(ref, mask)

    def _has_batch(self, ref: TensorRef, mask: int) -> bool:
        shape = self._graph.shape(ref)
        if shape is None:
            return True
        sources = [self._graph.shape(fed) for fed, bit in self._own.items() if mask & bit]
        if all(source == () for source in sources):
            return True
        batches = {source[0] for source in sources if source}
        if not shape:
            return False
        return not batches or shape[0] in batches or shape[0] is None

    def _last_joins(self, losses: Collection[str]) -> tuple[list[_Join], int]:
        """Return the joins behind which no further variables are met, and the labels there.

        What joins before, too, is an input: the lengths of sequences, a second input. So is what
        the loss does not depend on.
        """
        last, labels, inputs = [], 0, 0
        for loss in losses:
            inputs |= ~self._mask(TensorRef(loss))
        for name in self._graph.nodes:
            join = self._join(name)
            if join is None:
                continue
            if self._goes_on(name):
                inputs |= join.labels
            else:
                last.append(join)
                labels |= join.labels
        labels &= ~inputs
        return [join for join in last if join.labels & labels], labels

    def _join(self, name: str) -> _Join | None:
        node = self._graph.nodes[name]
        if GRADIENTS.search(name) or node.op in _NO_ANSWERS or UPDATES.match(node.op):
            return None
        inputs = [(ref, self._mask(ref)) for ref in self._graph.inputs(name)]
        computed = [(ref, mask) for ref, mask in inputs if mask & _VARIABLE and mask != _VARIABLE]
        labels = 0
        for _, mask in inputs:
            if not mask & _VARIABLE:
                labels |= mask
        answers = tuple(ref for ref, mask in computed if not mask & labels)
        return _Join(node=name, answers=answers, labels=labels) if labels and answers else None

    def _goes_on(self, name: str) -> bool:
        """Tell whether something behind a node is computed with more variables: it is no label."""
        behind = self._graph.descendants([TensorRef(name)], through=self._is_forward)
        return any(
            self._takes_variables(inner)
            for inner in behind
            if self._is_forward(inner) and not UPDATES.match(self._graph.nodes[inner].op)
        )

    def _compared(self, joins: list[_Join], labels: int) -> list[TensorRef]:
        """Return what labels are compared with; of two, the one that the other is computed from."""
        found = {
            outer
            for join in joins
            for ref in join.answers
            if not self._mask(ref) & labels and self._has_batch(ref, self._mask(ref))
            for outer in self._outside(self._before_loss(ref, join.node), join.node)
        }
        return [
            ref
            for ref in sorted(found, key=lambda ref: self._order[ref.node])
            if not any(
                other != ref and other.node in self._graph.ancestors([ref.node]) for other in found
            )
        ]

    def _outside(self, ref: TensorRef, join: str) -> tuple[TensorRef, ...]:
        """Step out of the scope of a loss: distances and the like in it are not the model's own.

        The scope is the outermost one around the label's node in which no variable is used.
        """
        scope = self._loss_scope(join)
        if not scope or not ref.node.startswith(scope):
            return (ref,)
        pending, seen, found = [ref], {ref}, list[TensorRef]()
        while pending:
            inner = pending.pop()
            for given in self._graph.inputs(inner.node):
                if given in seen or self._mask(given) <= _VARIABLE:
                    continue
                seen.add(given)
                if given.node.startswith(scope):
                    pending.append(given)
                elif self._may_answer(given):
                    found.append(given)
        return tuple(found) or (ref,)

    def _loss_scope(self, join: str) -> str:
        pieces = join.split("/")[:-1]
        for length in range(1, len(pieces) + 1):
            scope = "/".join(pieces[:length]) + "/"
            inner = [name for name in self._graph.nodes if name.startswith(scope)]
            if not any(self._graph.nodes[n].op in VARIABLES or self._uses(n) for n in inner):
                return scope
        return ""

    def _uses(self, name: str) -> bool:
        return self._is_forward(name) and self._takes_variables(name)

    def _before_loss(self, ref: TensorRef, join: str) -> TensorRef:
        """Step over what a cross entropy does for itself: reshaping, logarithm, clipping."""
        scope = ref.node.rpartition("/")[0]
        is_own = scope and join.startswith(f"{scope}/")
        if self._graph.nodes[join].op in _ENTROPY and is_own and self._op(ref) == "Reshape":
            return self._graph.inputs(ref.node)[0]
        if self._op(ref) != "Log":
            return ref
        (ref,) = self._graph.inputs(ref.node)
        while self._op(ref) in _GUARDS:
            computed = [i for i in self._graph.inputs(ref.node) if self._mask(i) > _VARIABLE]
            if len(computed) != 1:
                break
            (ref,) = computed
        return ref

    def _op(self, ref: TensorRef) -> str:
        return str(self._graph.nodes[ref.node].op)

    def _activated(self, compared: list[TensorRef]) -> list[TensorRef]:
        """Return probabilities computed from logits outside the loss."""
        return [
            TensorRef(taker)
            for ref in compared
            for taker, index in self._graph.consumers.get(ref.node, ())
            if index == ref.index
            and self._graph.nodes[taker].op in _ACTIVATIONS
            and self._may_answer(TensorRef(taker))
        ]
