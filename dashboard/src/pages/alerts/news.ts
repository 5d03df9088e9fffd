// Alerts that the feed brought after a list was answered: shown at once, until the next answer has them.
import { useEffect, useState } from "react";
import { live } from "@/api/live";
import type { Alert } from "@/api/types";

export function useNews(answered: number): readonly Alert[] {
  const [news, setNews] = useState<readonly Alert[]>([]);
  useEffect(() => live.watchAlerts((alert) => setNews((old) => [alert, ...old].slice(0, 50))), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new answer has them all
  useEffect(() => setNews([]), [answered]);
  return news;
}
