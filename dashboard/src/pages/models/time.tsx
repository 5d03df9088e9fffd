// How the models have done as time went by: what they said, and how often people found them right.
import { useState } from "react";
import { LineChart, RankedBars } from "@/charts";
import { count, percent } from "@/lib/format";
import { type Range, useRange } from "@/lib/range";
import { Card, Empty, Loaded, Select, SkeletonRows, TimeRange } from "@/ui";
import { type Model, useMarks, useVotes } from "./api";
import { accuracies, accuracyRows, saidRows, speaking } from "./series";

const SPANS = ["1h", "24h", "7d", "30d"] as const;
/** Lines that can be told apart in one chart. */
const MOST_LINES = 5;

export function OverTime({ models }: { models: readonly Model[] }) {
  const [range] = useRange("24h");
  const names = models.filter(({ role, state }) => role !== "classifier" && state !== "off").map(({ name }) => name);
  return (
    <section aria-label="Over time" className="flex flex-col gap-4">
      <div className="flex items-center gap-3">
        <h2 className="flex-1 text-base font-semibold">Over time</h2>
        <TimeRange only={SPANS} />
      </div>
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <Accuracy names={names} range={range} />
        <Said names={names} range={range} />
      </div>
    </section>
  );
}

function Accuracy({ names, range }: { names: readonly string[]; range: Range }) {
  return (
    <Card
      title="Accuracy"
      hint="Of the requests that people marked in the logs as an attack or a false alarm, the share each model saw rightly"
    >
      <Loaded query={useMarks(range)} waiting={<SkeletonRows rows={6} />}>
        {({ points, total }) => {
          const measured = accuracies(total.models, names);
          if (measured.length === 0) {
            return (
              <Empty title="Nobody has marked a request in this time">
                Open one in the logs or under Analytics, and say whether it was an attack.
              </Empty>
            );
          }
          const lines = measured.slice(0, MOST_LINES).map(({ name }) => name);
          const rows = accuracyRows(points, lines);
          return (
            <div className="flex flex-col gap-4">
              {rows.length > 1 && (
                <LineChart
                  rows={rows}
                  height={180}
                  max={1}
                  format={percent}
                  series={lines.map((name) => ({ key: name, label: name }))}
                  summary={`Accuracy by all marks up to each time: ${measured
                    .slice(0, MOST_LINES)
                    .map(({ name, accuracy }) => `${name} ${percent(accuracy)}`)
                    .join(", ")}.`}
                />
              )}
              <RankedBars
                label="Accuracy by marks"
                format={percent}
                items={measured.map(({ name, accuracy, caught, missed, wronged }) => ({
                  name,
                  value: accuracy,
                  note: `${count(caught)} of ${count(caught + missed)} attacks seen, ${count(wronged)} wronged`,
                }))}
              />
              <p className="text-xs text-muted">
                {count(total.confirmed)} {total.confirmed === 1 ? "attack" : "attacks"} and{" "}
                {count(total.false_positives)} false {total.false_positives === 1 ? "alarm" : "alarms"} were marked.
                {rows.length > 1 && " The lines count all marks up to each time."}
              </p>
            </div>
          );
        }}
      </Loaded>
    </Card>
  );
}

function Said({ names, range }: { names: readonly string[]; range: Range }) {
  const [chosen, setChosen] = useState("");
  return (
    <Card title="What they said" hint="Of the requests each was asked about, the share it took for an attack">
      <Loaded query={useVotes(range)} waiting={<SkeletonRows rows={6} />}>
        {({ points }) => {
          const known = speaking(points, names);
          if (known.length === 0) {
            return (
              <Empty title="No votes in this time">
                Models are asked about requests in which there is something to judge.
              </Empty>
            );
          }
          const lines = known.includes(chosen) ? [chosen] : known.slice(0, MOST_LINES);
          const votes = lines.map((name) => {
            const sum = (key: "votes" | "agreed") =>
              points.reduce((all, { models }) => all + (models[name]?.[key] ?? 0), 0);
            return `${name} ${count(sum("agreed"))} of ${count(sum("votes"))}`;
          });
          return (
            <div className="flex flex-col gap-3">
              {known.length > 1 && (
                <Select
                  aria-label="Model"
                  className="w-auto! self-start"
                  value={chosen}
                  onValue={setChosen}
                  placeholder={known.length > MOST_LINES ? `The first ${MOST_LINES} models` : "All models"}
                  options={known}
                />
              )}
              <LineChart
                rows={saidRows(points, lines)}
                height={180}
                max={1}
                format={percent}
                series={lines.map((name) => ({ key: name, label: name }))}
                summary={`Taken for an attack: ${votes.join(", ")}.`}
              />
            </div>
          );
        }}
      </Loaded>
    </Card>
  );
}
