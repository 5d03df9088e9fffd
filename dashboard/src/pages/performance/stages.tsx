// Where each microsecond of the gateway goes, since its start.
import { ShareBar } from "@/charts";
import { count, micros, percent } from "@/lib/format";
import { Card, Empty, Tooltip } from "@/ui";
import type { StageCost } from "./metrics";

const STAGES: Record<string, { name: string; what: string; part: boolean }> = {
  inspect: {
    name: "Inspection",
    what: "Everything the engine does for a request: the sum of the five below",
    part: false,
  },
  decode: { name: "Reading", what: "Taking the request apart into fields, and undoing encodings", part: true },
  signature: { name: "Rules", what: "Trying the rules on every field", part: true },
  behaviour: { name: "Behaviour", what: "Comparing with what this client did before", part: true },
  ensemble: { name: "Models", what: "Asking the models", part: true },
  decision: { name: "Decision", what: "From evidence to a score and an action", part: true },
  limit: { name: "Rate limits", what: "Counting against the limits", part: false },
  body: {
    name: "Body",
    what: "Reading the part of the body that is inspected; mostly waiting for the client",
    part: false,
  },
  hold: { name: "Holding answers", what: "Waiting for the part of an answer that is inspected", part: false },
  answer: { name: "Answers", what: "Inspecting answers", part: false },
};
const ORDER = Object.keys(STAGES);

export function Stages({ costs }: { costs: readonly StageCost[] }) {
  const known = costs
    .filter(({ stage }) => stage in STAGES)
    .sort((a, b) => ORDER.indexOf(a.stage) - ORDER.indexOf(b.stage));
  const parts = known.filter(({ stage }) => STAGES[stage]?.part);
  return (
    <Card title="Where the gateway's time goes" hint="Since its start. What the API behind it needs is not in here.">
      {known.length === 0 ? (
        <Empty title="Nothing was inspected since the start" />
      ) : (
        <div className="flex flex-col gap-4">
          <ShareBar label="Shares of inspection" format={percent} shares={shares(parts)} />
          <table className="w-full text-[13px]">
            <caption className="sr-only">What each stage costs</caption>
            <thead>
              <tr className="text-right text-xs text-muted">
                <th scope="col" className="pb-1 text-left font-medium">
                  Stage
                </th>
                <th scope="col" className="pb-1 font-medium max-sm:hidden">
                  Times run
                </th>
                <th scope="col" className="pb-1 font-medium">
                  Mean
                </th>
                <th scope="col" className="pb-1 font-medium">
                  Median
                </th>
                <th scope="col" className="pb-1 font-medium">
                  99 of 100
                </th>
              </tr>
            </thead>
            <tbody>
              {known.map((cost) => {
                const look = STAGES[cost.stage];
                return (
                  <tr key={cost.stage} className="border-t border-line text-right">
                    <th scope="row" className={`py-1.5 text-left font-normal ${look?.part ? "pl-4" : ""}`}>
                      <Tooltip text={look?.what ?? ""} side="right">
                        <span
                          className={`cursor-help underline decoration-line-strong decoration-dotted underline-offset-2 ${look?.part ? "" : "font-medium"}`}
                        >
                          {look?.name ?? cost.stage}
                        </span>
                      </Tooltip>
                    </th>
                    <td className="max-sm:hidden">{count(cost.runs)}</td>
                    <td>{micros(cost.mean)}</td>
                    <td>{micros(cost.p50)}</td>
                    <td>{micros(cost.p99)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

function shares(parts: readonly StageCost[]) {
  const whole = parts.reduce((sum, { total }) => sum + total, 0) || 1;
  return parts.map(({ stage, total }, index) => ({
    label: STAGES[stage]?.name ?? stage,
    value: total / whole,
    colour: `var(--c-chart-${(index % 8) + 1})`,
  }));
}
