// What people say of verdicts: a mark on a record, and what the marks of a time say about rules and models.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { address, send } from "./client";
import { makeOld } from "./queries";
import type { LogEntry } from "./types";

/** `confirmed`: it was an attack. `false-positive`: it was harmless. */
export type Mark = "confirmed" | "false-positive";

export interface Feedback {
  verdict: Mark;
  comment?: string;
  author: string;
  at: string;
}

export interface Marks {
  confirmed: number;
  false_positives: number;
}

/** A model's votes on marked records. */
export interface Judged {
  /** Took a confirmed one for an attack; did not. */
  caught: number;
  missed: number;
  /** Took a harmless one for an attack; did not. */
  wronged: number;
  cleared: number;
}

export interface FeedbackSums extends Marks {
  requests: number;
  denied: number;
  actions: Record<string, Marks>;
  /** Of marked stops and tags, the share that was right; absent where nobody marked one. */
  precision?: number;
  models: Record<string, Judged>;
}

export interface FeedbackSeries {
  step: string;
  since: string;
  until: string;
  total: FeedbackSums;
  points: { start: string; sums: FeedbackSums }[];
}

/** What a record is marked as; empty where nobody said anything. */
export const markOf = (entry: LogEntry): Mark | "" => (entry as { feedback?: Mark | "" }).feedback ?? "";

/** The share of marked records that a model saw rightly; null before the first. */
export function accuracyOf({ caught, missed, wronged, cleared }: Judged): number | null {
  const all = caught + missed + wronged + cleared;
  return all > 0 ? (caught + cleared) / all : null;
}

export interface Marking {
  ids: readonly string[];
  /** Null takes back what was said. */
  mark: Mark | null;
  comment?: string;
}

/** Marks records, or takes marks back; several one after the other, so that a failure leaves the rest as it was. */
export function useMarking() {
  const client = useQueryClient();
  return useMutation<void, Error, Marking>({
    mutationFn: async ({ ids, mark, comment }) => {
      for (const id of ids) {
        const path = address("/api/v1/logs/{id}/feedback", { id });
        if (mark === null) await send("delete", path);
        else await send("put", path, { body: { verdict: mark, ...(comment ? { comment } : {}) } });
      }
    },
    onSettled: () => makeOld(client, ["/api/v1/logs", "/api/v1/stats", "/api/v1/models/"]),
  });
}
