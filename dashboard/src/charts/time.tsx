// Lines, areas and bars, over time or over names, drawn by Recharts in the colours of the theme.
import {
  Area,
  Bar,
  CartesianGrid,
  Line,
  AreaChart as ReAreaChart,
  BarChart as ReBarChart,
  LineChart as ReLineChart,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from "recharts";
import { brief, clock, dayTime, fullTime } from "@/lib/format";
import { colourOf, Figure, type Series } from "./frame";

export type Row = Record<string, string | number | null | undefined>;

export interface TimeChartProps {
  /** One row a point, oldest first; `time` in milliseconds since 1970. */
  rows: readonly Row[];
  series: readonly Series[];
  summary: string;
  height?: number;
  /** How a value is written. */
  format?: (value: number) => string;
  /** Areas and bars on top of each other. */
  stacked?: boolean;
  /** The top of the axis, where it is known (100 for a score). */
  max?: number;
  onPoint?: (time: number) => void;
}

const AXIS = { fontSize: 11, fill: "var(--c-faint)" };
/** A figure and its unit stay on one line. */
const unbroken = (text: string) => text.replaceAll(" ", "\u00a0");
const GRID = { stroke: "var(--c-grid)", vertical: false };

function timeLabel(rows: readonly Row[]) {
  const first = Number(rows[0]?.time ?? 0);
  const last = Number(rows.at(-1)?.time ?? 0);
  const long = last - first > 36 * 3_600_000;
  return (value: number) =>
    long ? (dayTime(value).split(",")[0] ?? "") : clock(value).slice(0, last - first < 300_000 ? 8 : 5);
}

// biome-ignore lint/suspicious/noExplicitAny: Recharts gives its tooltip what it likes
function Tip({ active, payload, label, format, name }: any) {
  if (!active || !payload?.length) return null;
  return (
    <div className="rounded-md border border-line bg-raised px-3 py-2 text-xs shadow-pop">
      <p className="mb-1 text-muted">{name(label)}</p>
      {payload.map((item: { name: string; value: number; color?: string; payload?: { fill?: string } }) => (
        <p key={item.name} className="flex items-center gap-2">
          <span className="size-2 rounded-xs" style={{ background: item.color ?? item.payload?.fill }} />
          <span className="flex-1">{item.name}</span>
          <span className="font-medium">{format(item.value)}</span>
        </p>
      ))}
    </div>
  );
}

function common({ rows, format = brief, max, onPoint }: TimeChartProps) {
  return {
    chart: {
      data: rows as Row[],
      margin: { top: 8, right: 8, bottom: 0, left: 0 },
      onClick: onPoint
        ? (state: { activeLabel?: string | number | undefined }) =>
            state.activeLabel !== undefined && onPoint(Number(state.activeLabel))
        : undefined,
    },
    x: {
      dataKey: "time",
      tick: AXIS,
      tickLine: false,
      axisLine: false,
      minTickGap: 40,
      tickFormatter: timeLabel(rows),
    },
    y: {
      tick: AXIS,
      tickLine: false,
      axisLine: false,
      width: 52,
      tickFormatter: (value: number) => unbroken(format(value)),
      domain: [0, max ?? "auto"] as [number, number | "auto"],
      // What is written without decimals gets no two ticks of one name.
      allowDecimals: format !== brief,
    },
    tip: <Tip format={format} name={(value: number) => fullTime(value)} />,
  };
}

const legendOf = (series: readonly Series[]) =>
  series.map((one, index) => ({ label: one.label, colour: colourOf(one, index) }));

export function AreaChart(props: TimeChartProps) {
  const { series, summary, height = 200, stacked = true } = props;
  const { chart, x, y, tip } = common(props);
  return (
    <Figure summary={summary} legend={legendOf(series)} height={height}>
      <ResponsiveContainer width="100%" height="100%">
        <ReAreaChart {...chart} accessibilityLayer={false}>
          <CartesianGrid {...GRID} />
          <XAxis {...x} type="number" scale="time" domain={["dataMin", "dataMax"]} />
          <YAxis {...y} />
          <Tooltip content={tip} isAnimationActive={false} />
          {series.map((one, index) => (
            <Area
              key={one.key}
              dataKey={one.key}
              name={one.label}
              type="monotone"
              {...(stacked ? { stackId: "all" } : {})}
              stroke={colourOf(one, index)}
              fill={colourOf(one, index)}
              fillOpacity={0.18}
              strokeWidth={1.5}
              dot={false}
              isAnimationActive={false}
            />
          ))}
        </ReAreaChart>
      </ResponsiveContainer>
    </Figure>
  );
}

export function LineChart(props: TimeChartProps) {
  const { series, summary, height = 200 } = props;
  const { chart, x, y, tip } = common(props);
  return (
    <Figure summary={summary} legend={legendOf(series)} height={height}>
      <ResponsiveContainer width="100%" height="100%">
        <ReLineChart {...chart} accessibilityLayer={false}>
          <CartesianGrid {...GRID} />
          <XAxis {...x} type="number" scale="time" domain={["dataMin", "dataMax"]} />
          <YAxis {...y} />
          <Tooltip content={tip} isAnimationActive={false} />
          {series.map((one, index) => (
            <Line
              key={one.key}
              dataKey={one.key}
              name={one.label}
              type="monotone"
              stroke={colourOf(one, index)}
              strokeWidth={1.75}
              dot={false}
              isAnimationActive={false}
            />
          ))}
        </ReLineChart>
      </ResponsiveContainer>
    </Figure>
  );
}

/** Bars over time. */
export function BarChart(props: TimeChartProps) {
  const { series, summary, height = 200, stacked = true } = props;
  const { chart, x, y, tip } = common(props);
  return (
    <Figure summary={summary} legend={legendOf(series)} height={height}>
      <ResponsiveContainer width="100%" height="100%">
        <ReBarChart {...chart} accessibilityLayer={false}>
          <CartesianGrid {...GRID} />
          <XAxis {...x} />
          <YAxis {...y} />
          <Tooltip content={tip} isAnimationActive={false} cursor={{ fill: "var(--c-hover)" }} />
          {series.map((one, index) => (
            <Bar
              key={one.key}
              dataKey={one.key}
              name={one.label}
              {...(stacked ? { stackId: "all" } : {})}
              fill={colourOf(one, index)}
              maxBarSize={28}
              isAnimationActive={false}
            />
          ))}
        </ReBarChart>
      </ResponsiveContainer>
    </Figure>
  );
}

/** Two figures of one kind against each other, or a curve: both axes are numbers (ROC). */
export function CurveChart({
  rows,
  x,
  series,
  summary,
  height = 240,
  format = brief,
}: {
  rows: readonly Row[];
  x: { key: string; label: string };
  series: readonly Series[];
  summary: string;
  height?: number;
  format?: (value: number) => string;
}) {
  return (
    <Figure summary={summary} legend={legendOf(series)} height={height}>
      <ResponsiveContainer width="100%" height="100%">
        <ReLineChart data={rows as Row[]} margin={{ top: 8, right: 8, bottom: 16, left: 0 }} accessibilityLayer={false}>
          <CartesianGrid stroke="var(--c-grid)" />
          <XAxis
            dataKey={x.key}
            type="number"
            domain={["dataMin", "dataMax"]}
            tick={AXIS}
            tickLine={false}
            axisLine={false}
            tickFormatter={(value: number) => format(value)}
            label={{ value: x.label, position: "insideBottom", offset: -8, fontSize: 11, fill: "var(--c-muted)" }}
          />
          <YAxis
            tick={AXIS}
            tickLine={false}
            axisLine={false}
            width={52}
            tickFormatter={(v: number) => unbroken(format(v))}
          />
          <Tooltip
            content={<Tip format={format} name={(value: number) => `${x.label}: ${format(value)}`} />}
            isAnimationActive={false}
          />
          {series.map((one, index) => (
            <Line
              key={one.key}
              dataKey={one.key}
              name={one.label}
              stroke={colourOf(one, index)}
              strokeWidth={1.75}
              dot={false}
              connectNulls
              isAnimationActive={false}
            />
          ))}
        </ReLineChart>
      </ResponsiveContainer>
    </Figure>
  );
}
