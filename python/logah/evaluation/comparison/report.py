"""Writes docs/results.md from the results alone: the same results give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from logah.evaluation.comparison.data import TITLES
from logah.evaluation.comparison.names import data_name
from logah.evaluation.comparison.results import Results
from logah.evaluation.comparison.tables import (
    bars_table,
    closed_forms_table,
    diversity_table,
    rate_table,
    share_table,
    tally_table,
    trained_table,
    zero_shot_table,
)

FAMILY_TITLES = {"vit": "Vision transformers", "gpt2": "GPT-2", "llama": "Llama"}
INTRODUCTION = """\
# Results

<!-- Made of bench/results by `python -m logah evaluate report`; do not edit. -->

What networks gain from predicted weights, measured against other ways to start them. Every network is trained alike:
AdamW, weight decay 0.01, gradients clipped at 1, linear warm-up over 5% of the steps and a cosine to 0. Runs of equal
seed see the same batches. The learning rate of each initialisation and budget is chosen from the same grid, by the
validation loss of one run a rate on one network a group. An epoch is a fixed number of examples, drawn anew from the
training split, and far fewer than the split has.

| Initialisation      | What it is                                                                             |
| ------------------- | -------------------------------------------------------------------------------------- |
| `default`           | transformers' own                                                                      |
| `compute`           | `default`, trained for more steps; no time is counted for training a hypernetwork      |
| `orthogonal`        | orthogonal matrices with gain √2                                                       |
| `mimetic`           | attention as in pretrained networks (arXiv 2305.09828)                                 |
| `torchtitan`        | normal, output projections narrower by depth, the head by width                        |
| `small`             | normal, its deviation one over the fan-in (arXiv 2606.17945)                           |
| `mup_orthogonal`    | orthogonal matrices times the root of fan_out over fan_in                              |
| `impulse`           | attention that looks at neighbours (arXiv 2505.19985)                                  |
| `copies`            | a narrower network after 250 steps from `default`, repeated; its steps are not counted |
| `hypercloned`       | the same with noise that cancels (arXiv 2409.12903)                                    |
| `net2wider`         | the same with hidden units copied at random (arXiv 1511.05641)                         |
| `moments`           | Gaussian noise with the mean and deviation of each predicted tensor                    |
| `shuffled`          | the entries of each predicted tensor in random order                                   |
| `random_rank`       | random matrices of the rank and deviation of the predicted ones                        |
| `predicted`         | LoGAH's prediction; beyond the trained widths that of a narrower network, repeated     |
| `predicted+noise=s` | the same with Gaussian noise of s times each matrix' own deviation, which parts copies |
| `predicted+blend=s` | a default start with s of the prediction in it: `strength` s and `base` 1 of a request |
| `+shrink=s+base=1`  | after `predicted`: its matrices times s, and those of a default start added            |
"""


def render(results: Mapping[str, Results]) -> str:
    """The page; `results` by the name of their file, which the plots share."""
    return "\n".join([INTRODUCTION, *(_family(name, found) for name, found in results.items())])


def _family(name: str, results: Results) -> str:
    plan, groups = results.plan, results.main_groups
    title = FAMILY_TITLES.get(results.family, results.family)
    rest = name.removeprefix(f"compare-{results.family}").strip("-").replace("-", " ")
    title += f", {rest}" if rest else ""
    runs = results.of_kind("run")
    hours = sum(r["seconds"] for kind in ("run", "try", "untrained") for r in results.of_kind(kind)) / 3600
    unit = "images" if results.family == "vit" else "tokens"
    full = _full_budget(results)
    metric = results.metric
    which = "more is better" if metric.sign > 0 else "less is better"
    sections: list[tuple[str, str, str | None]] = [
        ("Bars", "Means over networks.", bars_table(results) if plan["bars"] else None),
        (
            "Before any training",
            f"Zero-shot {metric.title}, {which}, on the whole test split.",
            zero_shot_table(results, groups),
        ),
        *(
            (
                f"After {_epochs(epochs)}",
                f"Test {metric.title}, {which}: mean ± standard deviation (seeds).",
                trained_table(results, groups, epochs),
            )
            for epochs in results.budgets
        ),
        (
            "Better and worse",
            f"Networks on which `{results.candidate}` is better : worse than each other initialisation, by its mean "
            "over the seeds that both have.",
            tally_table(results, groups),
        ),
        (
            "Against the closed forms after one epoch",
            f"`{results.candidate}` : the other.",
            closed_forms_table(results, groups),
        ),
        (
            "Steps until default's final score, same budget",
            f"The first point of the curve that is as good as `default`'s curve at its end "
            f"({_epochs(plan['full_epochs'])}), as a share of all steps. Rates fall over the whole budget, so that "
            "late points gain from a low rate; the column `default` shows how much of a share is due to that and to "
            f"the noise of a curve, whose points are measured on {plan['curve_limit']:,} {unit}: too few for groups "
            "with a full budget of their own, which end too near.",
            share_table(results, [g for g in groups if not plan["groups"][g]["full_epochs"]], results.share_of_steps),
        ),
        (
            "Steps until default's final score, own shorter budgets",
            f"The shortest budget that ends as good as `default` after its full one ({full}), as a share of it; each "
            "has its own warm-up and cosine.",
            share_table(results, groups, results.share_of_budget),
        ),
        (
            "How alike the matrices are",
            "Mean absolute cosine of all pairs of matrices of equal shape in a network: 0 unlike, 1 the same.",
            diversity_table(results, groups),
        ),
        *_transfer(results),
        ("Learning rates", "Those marked * lie at an end of what was tried.", rate_table(results)),
    ]
    text = [
        f"## {title}\n",
        f"{_hypernetworks(plan)}etworks that learn {_title(plan['data'])}; {plan['batch_size']:,} {unit} a step, "
        f"{plan['epoch_size']:,} an epoch. `compute` trains for {plan['compute_factor']} times the steps. "
        f"{len(runs):,} trainings, and with the tries at learning rates {hours:.1f} hours of one core. Names of "
        "networks: w width, l layers, h heads, p patch, c context, m ratio of the MLP if it is not 4.\n",
        f"![{metric.title} over steps](images/results-{name}.svg)\n",
    ]
    for heading, sentence, content in sections:
        if content is not None:
            text += [f"### {title}: {heading[0].lower() + heading[1:]}\n", f"{sentence}\n", f"{content}\n"]
    return "\n".join(text)


def _title(data: Any) -> str:
    name = data_name(data)
    return TITLES.get(name, name)


def _hypernetworks(plan: Mapping[str, Any]) -> str:
    """The start of a sentence, up to the n of its subject."""
    own = [f"Hypernetwork `{plan['model']}` ({plan['hypernetwork']})"] if "model" in plan else []
    others = [f"`{name}`: `{m['model']}` ({m['hypernetwork']})" for name, m in plan.get("models", {}).items()]
    return f"{'; '.join([*own, *others])}, n" if own or others else "N"


def _full_budget(results: Results) -> str:
    own = {name: group["full_epochs"] for name, group in results.plan["groups"].items() if group["full_epochs"]}
    return "; ".join(
        [_epochs(results.plan["full_epochs"]), *(f"{name}: {_epochs(epochs)}" for name, epochs in own.items())]
    )


def _transfer(results: Results) -> Sequence[tuple[str, str, str | None]]:
    groups = results.other_groups
    if not results.networks(groups):
        return []
    learned = ", ".join(
        f"`{name}` is {_title(data)}"
        if (data := results.plan["groups"][name]["data"])
        else f"`{name}` has sizes that training did not have"
        for name in groups
    )
    return [
        ("Transfer, before any training", f"{learned}.", zero_shot_table(results, groups)),
        *(
            (f"Transfer, after {_epochs(epochs)}", f"{learned}.", trained_table(results, groups, epochs))
            for epochs in results.budgets
        ),
    ]


def _epochs(count: float) -> str:
    return f"{count:g} epoch" + ("" if count == 1 else "s")
