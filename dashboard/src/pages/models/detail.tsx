// One model: what it did, how it was measured, and what an admin may set of it.
import { type FormEvent, useState } from "react";
import { ApiError } from "@/api/client";
import { CurveChart, HeatMap, RankedBars } from "@/charts";
import { category, count, decimal, micros, percent } from "@/lib/format";
import { useMay } from "@/shell/session";
import {
  Badge,
  Button,
  CodeBlock,
  Drawer,
  Empty,
  Field,
  Foreign,
  Input,
  KeyValue,
  Loaded,
  Switch,
  Tabs,
  toast,
} from "@/ui";
import { type Confusion, type ModelDetail, useChange, useModel } from "./api";
import { agreementOf, groupWord, oneIn, reasonWord, sharesOf, standingOf, startOf, strictest, viewWord } from "./words";

export function ModelDrawer({ name, onClose }: { name: string; onClose: () => void }) {
  const query = useModel(name);
  return (
    <Drawer
      open
      onClose={onClose}
      title={<Foreign text={name} />}
      description={query.data && `Reads ${viewWord(query.data.view)}`}
    >
      <Loaded query={query}>{(model) => <Detail key={model.name} model={model} />}</Loaded>
    </Drawer>
  );
}

function Detail({ model }: { model: ModelDetail }) {
  const mayChange = useMay("admin");
  return (
    <Tabs
      label="About the model"
      tabs={[
        { value: "now", label: "Now", content: <Now model={model} /> },
        { value: "measured", label: "Measured", content: <Measured model={model} /> },
        ...(mayChange && model.state !== "off"
          ? [{ value: "change", label: "Change", content: <Change model={model} /> }]
          : []),
        ...(model.card
          ? [
              {
                value: "card",
                label: "Model card",
                content: <CodeBlock text={model.card} label="Model card" className="[&_pre]:max-h-none" />,
              },
            ]
          : []),
      ]}
    />
  );
}

function Now({ model }: { model: ModelDetail }) {
  const standing = standingOf(model);
  const { counts } = model;
  const skipped = Object.entries(counts.skipped).filter(([, amount]) => amount > 0);
  return (
    <KeyValue
      items={[
        [
          "State",
          <span key="state" className="flex flex-wrap items-center gap-2">
            <Badge tone={standing.tone}>{standing.word}</Badge>
            <Foreign text={standing.why} className="text-muted" />
          </span>,
        ],
        ["Group", groupWord(model.group)],
        ["Asked", model.cost === "deep" ? "in doubt only" : "on every request with something to judge"],
        [
          "Weight",
          changed(decimal(model.weight), model.weight !== model.manifest.weight, decimal(model.manifest.weight)),
        ],
        [
          "Says attack from",
          changed(
            percentFine(model.threshold),
            model.threshold !== model.manifest.threshold,
            percentFine(model.manifest.threshold),
          ),
        ],
        ["Votes", `${count(counts.votes)} since the start`],
        ["Said attack", counts.votes > 0 && `${count(counts.agreed)} (${percent(agreementOf(model))})`],
        ["Of denied requests", counts.votes > 0 && `${count(counts.denials)} it took for an attack, too`],
        ["Left out", skipped.map(([reason, amount]) => `${count(amount)} ${reasonWord(reason)}`).join("; ")],
        ["Time of a run", model.mean_call_us !== undefined && `${micros(model.mean_call_us)} on average`],
        ["False alarms", `${oneIn(model.false_alarm_rate)} harmless requests, as measured`],
        ["Calibration", model.calibration],
        ["Trained on", model.data.join(", ")],
        ["Made", model.date],
        ["SHA-256", <Foreign key="sha" text={model.sha256} className="font-mono text-xs break-all" />],
      ]}
    />
  );
}

const percentFine = (share: number) => `${(share * 100).toFixed(share > 0.99 ? 2 : 1)} %`;
const changed = (now: string, is: boolean, shipped: string) =>
  is ? `${now} (changed here; shipped with ${shipped})` : now;

function Measured({ model }: { model: ModelDetail }) {
  const { metrics, roc, confusion, importance } = model;
  if (!metrics && !roc && !confusion && !importance) {
    return (
      <Empty title="Nothing was measured">The model came without a report of how it did on unseen requests.</Empty>
    );
  }
  const best = strictest(metrics);
  return (
    <div className="flex flex-col gap-6">
      {metrics && (
        <Part title="On requests that it was not trained on">
          <KeyValue
            items={[
              [
                "Requests",
                metrics.requests ? `${count(metrics.requests)}, ${count(metrics.attacks)} of them attacks` : null,
              ],
              [
                "Attacks detected",
                best && `${percent(best.detected)} where ${oneIn(best.wronged)} harmless requests is wronged`,
              ],
              [
                "Sorts right",
                metrics.auc ? `${percent(metrics.auc)} of pairs of an attack and a harmless request (AUC)` : null,
              ],
              ["Named right", metrics.accuracy ? `${percent(metrics.accuracy)} of stopped attacks` : null],
              ["Mean F1 of classes", metrics.macro_f1 ? percent(metrics.macro_f1) : null],
              [
                "Off by",
                metrics.calibration_error
                  ? `${percent(metrics.calibration_error)} between what it says and what is (calibration)`
                  : null,
              ],
            ]}
          />
        </Part>
      )}
      {roc && roc.length > 1 && (
        <Part
          title="Attacks detected, by harmless requests wronged"
          hint="The steeper it rises at the left, the better (ROC curve, up to 5 in 100 wronged)."
        >
          <CurveChart
            rows={startOf(roc)}
            x={{ key: "wronged", label: "Harmless requests wronged" }}
            series={[{ key: "detected", label: "Attacks detected" }]}
            format={percent}
            summary={`Attacks detected by harmless requests wronged${best ? `; ${percent(best.detected)} at ${percent(best.wronged)}` : ""}.`}
          />
        </Part>
      )}
      {confusion && confusion.rows.length > 0 && <Square confusion={confusion} />}
      {importance && importance.length > 0 && (
        <Part title="What carries it" hint="The features with the largest shares">
          <RankedBars
            label="Importance of features"
            format={percent}
            items={importance.slice(0, 12).map(({ feature, share }) => ({ name: feature, value: share }))}
          />
        </Part>
      )}
      {metrics && metrics.classes.length > 0 && (
        <Part title={metrics.accuracy ? "How well it names each kind" : "How much it sees of each kind"}>
          <RankedBars
            label="By kind of attack"
            format={percent}
            items={[...metrics.classes]
              .map((one) => ({
                name: one.class,
                label: category(one.class),
                value: one.detected ?? one.f1 ?? 0,
                ...(one.count ? { note: `of ${count(one.count)}` } : {}),
              }))
              .sort((a, b) => a.value - b.value)}
          />
        </Part>
      )}
    </div>
  );
}

function Part({ title, hint, children }: { title: string; hint?: string; children: React.ReactNode }) {
  return (
    <section>
      <h3 className="text-[13px] font-semibold">{title}</h3>
      {hint && <p className="text-xs text-muted">{hint}</p>}
      <div className="mt-3">{children}</div>
    </section>
  );
}

/** What was taken for what: a table where it is small, a map where it is large. */
function Square({ confusion }: { confusion: Confusion }) {
  const { labels, rows, threshold } = confusion;
  const hint = threshold
    ? `At the threshold of ${percentFine(threshold)}`
    : "Each row is what something was; darker: more of it was taken for this";
  const right = rows.reduce((sum, row, index) => sum + (row[index] ?? 0), 0);
  const all = rows.flat().reduce((sum, amount) => sum + amount, 0);
  return (
    <Part title="What was taken for what" hint={hint}>
      {labels.length <= 4 ? (
        <table className="w-full max-w-md text-[13px]">
          <caption className="sr-only">What was taken for what</caption>
          <thead>
            <tr className="text-right text-xs text-muted">
              <th scope="col" className="pb-1 text-left font-medium">
                Was
              </th>
              {labels.map((label) => (
                <th key={label} scope="col" className="pb-1 font-medium">
                  taken for {category(label).toLowerCase()}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              <tr key={labels[index]} className="border-t border-line text-right">
                <th scope="row" className="py-1.5 text-left font-normal">
                  {category(labels[index])}
                </th>
                {row.map((amount, column) => (
                  <td
                    key={labels[column]}
                    className={column === index ? "font-medium" : amount > 0 ? "text-bad" : "text-muted"}
                  >
                    {count(amount)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <>
          <HeatMap
            rows={labels.map((label) => category(label))}
            columns={labels.map((label) => category(label))}
            cells={sharesOf(confusion)}
            everyColumn={labels.length}
            format={percent}
            summary={`${count(right)} of ${count(all)} were named right.`}
          />
          <p className="mt-1 text-xs text-muted">
            Columns stand in the same order as rows. {count(right)} of {count(all)} were named right (
            {percent(all > 0 ? right / all : 0)}).
          </p>
        </>
      )}
    </Part>
  );
}

/** Six digits say enough of a probability. */
const short = (share: number) => String(Number(share.toPrecision(6)));

function Change({ model }: { model: ModelDetail }) {
  const [weight, setWeight] = useState(String(model.weight));
  const [threshold, setThreshold] = useState(() => short(model.threshold));
  const [shadow, setShadow] = useState(model.shadow);
  const [comment, setComment] = useState("");
  const change = useChange(model.name);
  const votes = model.role !== "classifier";
  const wanted = {
    ...(votes && Number(weight) !== model.weight ? { weight: Number(weight) } : {}),
    ...(votes && threshold !== short(model.threshold) ? { threshold: Number(threshold) } : {}),
    ...(shadow === model.shadow ? {} : { shadow }),
  };
  const valid = (text: string, most: number) => text.trim() !== "" && Number(text) >= 0 && Number(text) <= most;
  const weightBad = votes && !valid(weight, 1e6) ? "0 to 1,000,000" : null;
  const thresholdBad = votes && !valid(threshold, 1) ? "0 to 1" : null;
  const ready = Object.keys(wanted).length > 0 && !weightBad && !thresholdBad;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!ready) return;
    change.mutate(
      { ...wanted, ...(comment ? { comment } : {}) },
      {
        onSuccess: () => {
          setComment("");
          toast(`${model.name} is changed; it serves now`);
        },
      },
    );
  };
  const problems = change.error instanceof ApiError ? [change.error.message, ...change.error.errors] : [];
  return (
    <form onSubmit={submit} className="flex max-w-md flex-col gap-4">
      <p className="text-sm text-muted">
        It becomes a version of the settings: the history can take it back. The files of the model stay as they are.
      </p>
      <Switch
        checked={!shadow}
        onChange={(has) => setShadow(!has)}
        label="Has a say"
        hint="Without it the model runs and its votes are shown, but count for nothing."
      />
      {votes && (
        <>
          <Field
            label="Weight"
            hint={`Against the others of its group. Shipped with ${decimal(model.manifest.weight)}.`}
            error={weightBad}
          >
            <Input
              type="number"
              step="any"
              min={0}
              value={weight}
              onChange={(event) => setWeight(event.target.value)}
            />
          </Field>
          <Field
            label="Says attack from"
            hint={`A probability from 0 to 1. Shipped with ${short(model.manifest.threshold)}, at which its false alarms were measured.`}
            error={thresholdBad}
          >
            <Input
              type="number"
              step="any"
              min={0}
              max={1}
              value={threshold}
              onChange={(event) => setThreshold(event.target.value)}
            />
          </Field>
        </>
      )}
      <Field label="Why" hint="Stands in the history. May stay empty.">
        <Input maxLength={1024} value={comment} onChange={(event) => setComment(event.target.value)} />
      </Field>
      {problems.map((problem) => (
        <p key={problem} role="alert" className="text-sm text-bad">
          <Foreign text={problem} />
        </p>
      ))}
      <Button type="submit" variant="primary" className="self-start" busy={change.isPending} disabled={!ready}>
        Save
      </Button>
    </form>
  );
}
