// Tabs within a page or a drawer. With `url`, the chosen one stands in the address.
import { Tabs as Radix } from "radix-ui";
import { type ReactNode, useState } from "react";
import { useUrlValue } from "@/lib/url";

export interface Tab {
  value: string;
  label: ReactNode;
  content: ReactNode;
}

export function Tabs({ tabs, url, label }: { tabs: readonly Tab[]; url?: string; label: string }) {
  const [own, setOwn] = useState("");
  const [shared, setShared] = useUrlValue(url ?? "tab");
  const first = tabs[0]?.value ?? "";
  const wanted = url ? shared : own;
  const value = tabs.some((tab) => tab.value === wanted) ? wanted : first;
  const choose = (next: string) => (url ? setShared(next === first ? undefined : next) : setOwn(next));
  return (
    <Radix.Root value={value} onValueChange={choose}>
      <Radix.List aria-label={label} className="flex gap-1 overflow-x-auto border-b border-line">
        {tabs.map((tab) => (
          <Radix.Trigger
            key={tab.value}
            value={tab.value}
            className="-mb-px h-9 border-b-2 border-transparent px-3 font-medium whitespace-nowrap text-muted hover:text-text focus-visible:-outline-offset-2 data-[state=active]:border-accent data-[state=active]:text-text"
          >
            {tab.label}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {tabs.map((tab) => (
        <Radix.Content key={tab.value} value={tab.value} className="pt-4">
          {tab.content}
        </Radix.Content>
      ))}
    </Radix.Root>
  );
}
