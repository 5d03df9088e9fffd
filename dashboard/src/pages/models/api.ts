// The models as the API shows them, and the calls of this page.
import { useMutation, useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, address, send } from "@/api/client";
import { makeOld, useApiKept } from "@/api/queries";
import type { Schemas } from "@/api/types";
import type { Range } from "@/lib/range";

export interface ModelList {
  enabled: boolean;
  problem?: string;
  joint?: Joint;
  groups: Record<string, number>;
  deadline_us: number;
  deep: string;
  models: Model[];
}
export interface Joint {
  tag: number;
  deny: number;
  lower: number;
  grey: [number, number];
  false_alarm_rate?: number;
}
export interface Model {
  name: string;
  role: string;
  view: string;
  group?: string;
  cost: string;
  weight: number;
  shadow: boolean;
  threshold: number;
  manifest: { weight: number; shadow: boolean; threshold: number };
  calibration: string;
  state: "up" | "down" | "off";
  why?: string;
  false_alarm_rate?: number;
  data: string[];
  date: string;
  sha256: string;
  counts: { votes: number; agreed: number; denials: number; skipped: Record<string, number> };
  mean_call_us?: number;
}
export interface ModelDetail extends Model {
  card?: string | null;
  metrics?: Figures | null;
  roc?: { wronged: number; detected: number; threshold: number }[] | null;
  confusion?: Confusion | null;
  importance?: { feature: string; share: number }[] | null;
}
export interface Figures {
  requests?: number | null;
  attacks?: number | null;
  auc?: number | null;
  average_precision?: number | null;
  calibration_error?: number | null;
  accuracy?: number | null;
  macro_f1?: number | null;
  at: { wronged: number; threshold: number; detected: number; interval: [number, number] }[];
  classes: { class: string; count?: number | null; detected?: number | null; f1?: number | null }[];
  sources: { source: string; count: number; wronged: number }[];
}
export interface Confusion {
  threshold?: number | null;
  labels: string[];
  rows: number[][];
}
export type VoteSeries = Schemas["VoteSeries"];
export type Comparison = Schemas["Comparison"];
export interface ModelChange {
  weight?: number;
  shadow?: boolean;
  threshold?: number;
  comment?: string;
}

const LIST = "/api/v1/models";
const pathOf = (name: string) => address(`${LIST}/{name}`, { name });

/** Null where this gateway's API knows no models. */
export const useModels = () =>
  useQuery<ModelList | null, Error>({
    queryKey: [LIST],
    queryFn: async ({ signal }) => {
      try {
        return (await send("get", LIST, { signal })) as ModelList;
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return null;
        throw error;
      }
    },
    refetchInterval: 10_000,
  });

const detail = (name: string) => ({
  queryKey: [pathOf(name)],
  queryFn: ({ signal }: { signal: AbortSignal }) => send("get", pathOf(name), { signal }) as Promise<ModelDetail>,
  staleTime: 60_000,
});
export const useModel = (name: string) => useQuery<ModelDetail, Error>(detail(name));
/** How each was measured; those that are not there yet are left out. */
export const useDetails = (names: readonly string[]): ModelDetail[] =>
  useQueries({ queries: names.map(detail) }).flatMap(({ data }) => (data ? [data] : []));

const EVERY = { refetchInterval: 30_000 };
const boundsOf = ({ since, until }: Range) => ({ since, ...(until ? { until } : {}) });
export const useVotes = (range: Range) =>
  useApiKept("/api/v1/models/timeseries", { query: { ...boundsOf(range), step: range.step } }, EVERY);
export const useMarks = (range: Range) =>
  useApiKept("/api/v1/stats/feedback", { query: { ...boundsOf(range), step: range.step } }, EVERY);
export const useComparison = (a: string, b: string, range: Range) =>
  useApiKept("/api/v1/models/compare", { query: { a, b, ...boundsOf(range) } }, EVERY);

export function useChange(name: string) {
  const client = useQueryClient();
  return useMutation<unknown, Error, ModelChange>({
    mutationFn: (body) => send("patch", pathOf(name), { body }),
    onSuccess: () => makeOld(client, [LIST, "/api/v1/config"]),
  });
}
