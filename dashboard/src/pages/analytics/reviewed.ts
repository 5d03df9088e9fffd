// What somebody has looked at and found right. The gateway keeps no such list, so it is this browser's alone.
import { useCallback, useState } from "react";

const KEY = "portcullis.reviewed";
const MOST = 500;

function read(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((entry): entry is string => typeof entry === "string") : [];
  } catch {
    return [];
  }
}

function keep(keys: readonly string[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(keys));
  } catch {
    // A browser that keeps nothing shows them again after a reload.
  }
}

export function useReviewed() {
  const [keys, setKeys] = useState(read);
  const change = useCallback((next: string[]) => {
    keep(next);
    setKeys(next);
  }, []);
  return {
    has: (key: string) => keys.includes(key),
    add: (key: string) => change([...keys.filter((kept) => kept !== key), key].slice(-MOST)),
    clear: () => change([]),
  };
}
