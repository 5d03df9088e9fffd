// Models: which there are, whether they run, what they say, and how good they are at it.
import { Brain, CircleCheck, CircleX, Eye, TriangleAlert } from "lucide-react";
import { useMemo } from "react";
import { RankedBars, ShareBar } from "@/charts";
import { count, micros, percent } from "@/lib/format";
import { useUrlValue } from "@/lib/url";
import { Badge, Card, CodeBlock, type Columns, Empty, Foreign, Loaded, Page, Stat, Table } from "@/ui";
import { type Joint, type Model, type ModelList, useDetails, useModels } from "./models/api";
import { Networks } from "./models/compare";
import { ModelDrawer } from "./models/detail";
import { OverTime } from "./models/time";
import { agreementOf, groupWord, oneIn, standingOf, strictest } from "./models/words";

export default function Models() {
  const query = useModels();
  return (
    <Page title="Models" hint="They judge what the rules leave open">
      <Loaded query={query}>
        {(list) =>
          list === null ? (
            <Card>
              <Empty icon={Brain} title="This gateway shows nothing of its models">
                Its API does not have them. A newer one does.
              </Empty>
            </Card>
          ) : (
            <Body list={list} />
          )
        }
      </Loaded>
    </Page>
  );
}

function Body({ list }: { list: ModelList }) {
  const [open, setOpen] = useUrlValue("open", true);
  const there = list.models.some(({ name }) => name === open);
  return (
    <>
      {list.problem && (
        <p role="alert" className="flex gap-2 rounded-lg bg-bad-soft px-4 py-3 text-bad">
          <TriangleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
          <Foreign text={list.problem} />
        </p>
      )}
      {!list.enabled && <HowTo />}
      {list.models.length > 0 && (
        <>
          {list.enabled && <Figures list={list} />}
          <Members models={list.models} open={open} onOpen={setOpen} />
          <div className="grid items-start gap-4 lg:grid-cols-2">
            <Opinions models={list.models} />
            <Quality models={list.models} onOpen={setOpen} />
            <Together list={list} />
            {list.enabled && <Networks models={list.models} />}
          </div>
          {list.enabled && <OverTime models={list.models} />}
        </>
      )}
      {there && <ModelDrawer name={open} onClose={() => setOpen(undefined)} />}
    </>
  );
}

const SETTING = `ensemble:
  enabled: true
  manifest: models/artifacts/manifest.json  # the list of the models
  library: target/lib/libonnxruntime.so     # ONNX Runtime`;

function HowTo() {
  return (
    <Card
      title="The models are not asked"
      hint="Rules and behaviour protect without them. Models see attacks that no rule describes."
    >
      <ol className="flex max-w-3xl list-decimal flex-col gap-4 pl-5">
        <li>
          <p className="mb-1.5">
            Get the library that runs them, ONNX Runtime. In the source tree one command puts it into target/lib.
          </p>
          <CodeBlock text="make onnxruntime" label="Command" />
        </li>
        <li>
          <p className="mb-1.5">
            Switch them on in the configuration file, and restart the gateway. Paths start from the file’s folder.
          </p>
          <CodeBlock text={SETTING} label="Configuration" />
        </li>
        <li>Come back here: each model says whether it is up, and why not where it is not.</li>
      </ol>
    </Card>
  );
}

function Figures({ list: { models, deadline_us } }: { list: ModelList }) {
  const up = models.filter(({ state }) => state === "up").length;
  const down = models.filter(({ state }) => state === "down").length;
  const saying = models.filter((model) => standingOf(model).word === "Up").length;
  const votes = Math.max(0, ...models.map(({ counts }) => counts.votes));
  const late = models.reduce((sum, { counts }) => sum + (counts.skipped.deadline ?? 0), 0);
  return (
    <div className="grid grid-cols-2 gap-4 xl:grid-cols-4">
      <Stat
        label="Models up"
        icon={down > 0 ? CircleX : CircleCheck}
        tone={down > 0 ? "bad" : "plain"}
        value={`${up} of ${models.length}`}
        hint={down > 0 ? `${down} cannot be run: see below why` : "all that are switched on"}
      />
      <Stat label="With a say" icon={Brain} value={count(saying)} hint="the others are only shown" />
      <Stat label="Requests judged" icon={Eye} value={count(votes)} hint="since the start, by the busiest model" />
      <Stat
        label="Too late"
        icon={TriangleAlert}
        value={count(late)}
        hint={`votes after the ${micros(deadline_us)} that models have; the request went on without them`}
      />
    </div>
  );
}

const columns: Columns<Model> = [
  {
    id: "name",
    header: "Model",
    accessorFn: ({ name }) => name,
    cell: ({ row: { original: model } }) => (
      <span className="flex flex-col">
        <Foreign text={model.name} className="font-medium" />
        <span className="text-xs text-muted">{groupWord(model.group)}</span>
      </span>
    ),
  },
  {
    id: "state",
    header: "State",
    accessorFn: (model) => standingOf(model).word,
    cell: ({ row: { original: model } }) => {
      const standing = standingOf(model);
      return (
        <span className="flex flex-col items-start gap-0.5">
          <Badge
            tone={standing.tone}
            icon={standing.tone === "ok" ? CircleCheck : standing.tone === "bad" ? CircleX : Eye}
          >
            {standing.word}
          </Badge>
          {model.state === "down" && (
            <span className="max-w-72 text-xs text-muted">
              <Foreign text={standing.why} />
            </span>
          )}
        </span>
      );
    },
  },
  {
    id: "weight",
    header: "Weight",
    meta: { right: true, hide: "phone" },
    accessorFn: ({ weight }) => weight,
    cell: ({ row: { original: model } }) => (model.role === "classifier" ? "–" : model.weight.toLocaleString("en")),
  },
  {
    id: "votes",
    header: "Votes",
    meta: { right: true, hide: "phone" },
    accessorFn: ({ counts }) => counts.votes,
    cell: ({ row }) => count(row.original.counts.votes),
  },
  {
    id: "agreed",
    header: "Said attack",
    meta: { right: true },
    accessorFn: (model) => agreementOf(model) ?? -1,
    cell: ({ row }) => percent(agreementOf(row.original)),
  },
  {
    id: "false",
    header: "False alarms",
    meta: { right: true, hide: "narrow" },
    accessorFn: ({ false_alarm_rate }) => false_alarm_rate ?? 2,
    cell: ({ row }) => oneIn(row.original.false_alarm_rate),
  },
  {
    id: "time",
    header: "Time of a run",
    meta: { right: true, hide: "narrow" },
    accessorFn: ({ mean_call_us }) => mean_call_us ?? -1,
    cell: ({ row }) => micros(row.original.mean_call_us),
  },
];

function Members({ models, open, onOpen }: { models: readonly Model[]; open: string; onOpen: (name: string) => void }) {
  return (
    <Card
      flush
      title="Members"
      hint="Open one for how it was measured, what carries it, and its card. False alarms: harmless requests that it took for attacks, as measured."
    >
      <Table
        sortable
        columns={columns}
        rows={models}
        id={({ name }) => name}
        label="Models"
        open={open}
        onOpen={({ name }) => onOpen(name)}
      />
    </Card>
  );
}

function Opinions({ models }: { models: readonly Model[] }) {
  const voted = models.filter(({ counts }) => counts.votes > 0);
  return (
    <Card
      title="How they have voted"
      hint="Of the requests each was asked about since the start, the share it took for an attack"
    >
      {voted.length === 0 ? (
        <Empty title="No votes yet">Models are asked about requests in which there is something to judge.</Empty>
      ) : (
        <RankedBars
          label="Share of votes for an attack"
          format={percent}
          items={voted
            .map((model) => ({
              name: model.name,
              value: agreementOf(model) ?? 0,
              note: `${count(model.counts.agreed)} of ${count(model.counts.votes)}`,
              ...(model.shadow ? { colour: "var(--c-chart-8)" } : {}),
            }))
            .sort((a, b) => b.value - a.value)}
        />
      )}
      {voted.some(({ shadow }) => shadow) && (
        <p className="mt-3 text-xs text-muted">Grey bars are only shown and have no say.</p>
      )}
    </Card>
  );
}

function Quality({ models, onOpen }: { models: readonly Model[]; onOpen: (name: string) => void }) {
  const names = useMemo(() => models.map(({ name }) => name), [models]);
  const measured = useDetails(names).flatMap((one) => {
    const best = strictest(one.metrics);
    return best ? [{ one, best }] : [];
  });
  return (
    <Card
      title="How much each would see alone"
      hint="Share of unseen attacks detected, at the strictest share of false alarms it was measured at"
    >
      {measured.length === 0 ? (
        <Empty title="Nothing was measured">The models came without a report.</Empty>
      ) : (
        <RankedBars
          label="Attacks detected"
          format={percent}
          items={measured
            .map(({ one, best }) => ({
              name: one.name,
              value: best.detected,
              note: `${oneIn(best.wronged)} wronged`,
              onClick: () => onOpen(one.name),
            }))
            .sort((a, b) => b.value - a.value)}
        />
      )}
    </Card>
  );
}

const DEEP: Record<string, string> = {
  grey: "Deep models are asked only where the others are in doubt.",
  always: "Deep models are asked each time.",
  never: "Deep models are never asked.",
};

function Together({ list: { joint, groups, deep } }: { list: ModelList }) {
  const names = Object.entries(groups);
  const whole = names.reduce((sum, [, weight]) => sum + weight, 0) || 1;
  return (
    <Card
      title="What they say together"
      hint="Each group's votes become one probability of an attack, weighed like this"
    >
      <div className="flex flex-col gap-4">
        <ShareBar
          label="Weights of the groups"
          format={percent}
          shares={names.map(([name, weight], index) => ({
            label: groupWord(name),
            value: weight / whole,
            colour: `var(--c-chart-${(index % 8) + 1})`,
          }))}
        />
        {joint && <Bounds joint={joint} />}
        <p className="text-sm text-muted">{DEEP[deep] ?? ""}</p>
      </div>
    </Card>
  );
}

function Bounds({ joint }: { joint: Joint }) {
  return (
    <ul className="flex list-disc flex-col gap-1 pl-5 text-sm">
      <li>Below {percent(joint.lower)}, weak findings of rules count less.</li>
      <li>From {percent(joint.tag)} on, a request is marked.</li>
      <li>
        {joint.deny > 1
          ? "Models alone never deny."
          : `From ${percent(joint.deny)} on, models deny without a rule${
              joint.false_alarm_rate === undefined
                ? ""
                : `: wrong for ${oneIn(joint.false_alarm_rate)} harmless requests, as measured`
            }.`}
      </li>
    </ul>
  );
}
