// Draws a part of the console as the app would: with a query cache of its own and answers from a table.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { vi } from "vitest";
import { TooltipProvider } from "@/ui";

/** What the API answers by "METHOD /path?query"; a number is a refusal with that status. */
export type Answers = Record<string, unknown>;

/** Draws `node`. Returns the calls that were made, beside what Testing Library returns. */
export function draw(node: ReactNode, answers: Answers = {}) {
  const calls: { call: string; body: unknown }[] = [];
  vi.stubGlobal(
    "fetch",
    vi.fn(async (input: string, init: RequestInit = {}) => {
      const call = `${init.method ?? "GET"} ${input}`;
      calls.push({ call, body: init.body ? JSON.parse(String(init.body)) : undefined });
      const answer = answers[call] ?? answers[call.split("?")[0] ?? ""];
      if (answer === undefined) return json({ detail: `no answer for ${call}` }, 404);
      if (typeof answer === "number") return json({ detail: `refused with ${answer}` }, answer);
      return json(answer, 200);
    }),
  );
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const drawn = render(
    <QueryClientProvider client={client}>
      <TooltipProvider>{node}</TooltipProvider>
    </QueryClientProvider>,
  );
  return { ...drawn, calls, client };
}

const json = (body: unknown, status: number) =>
  new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": status < 400 ? "application/json" : "application/problem+json" },
  });
