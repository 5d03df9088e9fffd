// What people say of verdicts: a mark on a record, and what the marks of a time say about rules and models.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { call } from "./client";
import { makeOld } from "./queries";
import type { LogEntry, Schemas } from "./types";

/** `confirmed`: it was an attack. `false-positive`: it was harmless. */
export type Mark = Schemas["Judgement"];
export type Feedback = Schemas["Feedback"];
export type FeedbackSums = Schemas["FeedbackSums"];
/** A model's votes on marked records. */
export type Agreement = Schemas["Agreement"];

/** What a record is marked as; empty where nobody said anything. */
export const markOf = ({ feedback }: LogEntry): Mark | "" =>
  feedback === "confirmed" || feedback === "false-positive" ? feedback : "";

/** The share of marked records that a model saw rightly; null before the first. */
export function accuracyOf({ caught, missed, wronged, cleared }: Agreement): number | null {
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
        const path = { id };
        if (mark === null) await call("delete", "/api/v1/logs/{id}/feedback", { path });
        else {
          const body = { verdict: mark, ...(comment ? { comment } : {}) };
          await call("put", "/api/v1/logs/{id}/feedback", { path, body });
        }
      }
    },
    onSettled: () => makeOld(client, ["/api/v1/logs", "/api/v1/stats", "/api/v1/models/"]),
  });
}
