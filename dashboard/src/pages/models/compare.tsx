// The two networks side by side: what each is, where they agree, and the requests on which they differ most.
import { Link } from "wouter";
import { count, micros, percent } from "@/lib/format";
import { useRange } from "@/lib/range";
import { ActionBadge, Ago, Badge, Card, Empty, Foreign, Loaded, SkeletonRows } from "@/ui";
import { type Comparison, type Model, useComparison } from "./api";
import { agreementOf, networks, oneIn, standingOf, viewWord } from "./words";

/** Only where both are there. */
export function Networks({ models }: { models: readonly Model[] }) {
  const pair = networks(models);
  if (!pair) return null;
  const [cnn, lstm] = pair;
  return (
    <Card
      title="CNN against BiLSTM"
      hint={`The CNN looks at short stretches of ${viewWord(cnn.view)}; the BiLSTM reads ${viewWord(lstm.view)} from both ends`}
    >
      <div className="flex flex-col gap-5">
        <SideBySide pair={pair} />
        <Agreement a={cnn.name} b={lstm.name} />
      </div>
    </Card>
  );
}

const LINES: readonly [string, (model: Model) => string][] = [
  ["State", (model) => standingOf(model).word],
  ["Votes", (model) => count(model.counts.votes)],
  ["Said attack", (model) => percent(agreementOf(model))],
  ["False alarms", (model) => oneIn(model.false_alarm_rate)],
  ["Time of a run", (model) => micros(model.mean_call_us)],
];

function SideBySide({ pair }: { pair: readonly [Model, Model] }) {
  return (
    <table className="w-full text-[13px]">
      <caption className="sr-only">CNN against BiLSTM</caption>
      <thead>
        <tr className="text-right text-xs text-muted">
          <td className="pb-1" />
          {pair.map(({ name }) => (
            <th key={name} scope="col" className="pb-1 font-medium">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {LINES.map(([name, write]) => (
          <tr key={name} className="border-t border-line text-right">
            <th scope="row" className="py-1.5 text-left font-normal text-muted">
              {name}
            </th>
            {pair.map((model) => (
              <td key={model.name}>{write(model)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Agreement({ a, b }: { a: string; b: string }) {
  const [range] = useRange("24h");
  return (
    <Loaded query={useComparison(a, b, range)} waiting={<SkeletonRows rows={4} />}>
      {(found) =>
        found.counted === 0 ? (
          <Empty title="No request yet on which both voted">
            Deep models are asked where the others are in doubt, and the BiLSTM only about clients that it has seen
            before.
          </Empty>
        ) : (
          <>
            <Four found={found} />
            <Disagreements found={found} />
          </>
        )
      }
    </Loaded>
  );
}

function Four({ found }: { found: Comparison }) {
  const { a, b, counted, complete, both, only_a, only_b, neither } = found;
  const rows: readonly [string, number][] = [
    ["Both said attack", both],
    [`Only ${a}`, only_a],
    [`Only ${b}`, only_b],
    ["Neither", neither],
  ];
  return (
    <div>
      <p className="mb-2 text-[13px]">
        They agree on <span className="font-medium">{percent((both + neither) / counted)}</span> of {count(counted)}{" "}
        requests on which both voted{complete ? "" : ", among the newest"}.
      </p>
      <dl className="grid grid-cols-2 gap-x-6 gap-y-2 sm:grid-cols-4">
        {rows.map(([name, value]) => (
          <div key={name} className="min-w-0">
            <dt className="truncate text-xs text-muted" title={name}>
              {name}
            </dt>
            <dd className="font-medium">{count(value)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

const SHOWN = 6;
const MARKS: Record<string, string> = { confirmed: "was an attack", "false-positive": "was harmless" };

function Disagreements({ found: { a, b, disagreements } }: { found: Comparison }) {
  if (disagreements.length === 0) return null;
  return (
    <div>
      <h3 className="mb-1 text-xs font-medium text-muted">Where they differ most</h3>
      <ul aria-label="Where they differ most" className="divide-y divide-line">
        {disagreements.slice(0, SHOWN).map((one) => (
          <li key={one.id}>
            <Link
              href={`/logs?open=${encodeURIComponent(one.id)}&live=off`}
              className="flex flex-wrap items-center gap-x-3 gap-y-1 py-2 text-[13px] hover:bg-hover"
            >
              <span className="min-w-0 flex-1 basis-40 truncate">
                <Foreign text={one.request} className="font-mono text-xs" />
              </span>
              {one.action !== "allow" && <ActionBadge action={one.action} would="" />}
              {MARKS[one.feedback] && <Badge>{MARKS[one.feedback]}</Badge>}
              <span className="text-xs text-muted">
                {a} {percent(one.a)}, {b} {percent(one.b)}, <Ago when={one.time} />
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}
