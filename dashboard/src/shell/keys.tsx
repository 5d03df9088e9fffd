// Keys: `g` and a letter open a page, `/` goes to the search box, `?` shows them all.
import { useEffect, useState } from "react";
import { useLocation } from "wouter";
import type { PageEntry } from "@/pages";
import { Dialog } from "@/ui";

const WAIT_MS = 1_200;

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export function Keys({ pages }: { pages: readonly PageEntry[] }) {
  const [help, setHelp] = useState(false);
  const [, navigate] = useLocation();
  useEffect(() => {
    let after = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('[role="dialog"]')) return;
      const goes = after > Date.now() - WAIT_MS;
      after = 0;
      const page = goes ? pages.find(({ key }) => key === event.key) : undefined;
      if (page) navigate(page.path);
      else if (event.key === "g") after = Date.now();
      else if (event.key === "?") setHelp(true);
      else if (event.key === "/") document.querySelector<HTMLElement>("[data-search]")?.focus();
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [pages, navigate]);
  return (
    <Dialog open={help} onClose={() => setHelp(false)} title="Keys">
      <dl className="grid grid-cols-[auto_1fr] items-center gap-x-4 gap-y-2">
        {pages.map((page) => (
          <Line key={page.path} keys={["g", page.key]} text={page.title} />
        ))}
        <Line keys={["/"]} text="Search on the page" />
        <Line keys={["Enter"]} text="Open the row in focus" />
        <Line keys={["Esc"]} text="Close what is open" />
        <Line keys={["?"]} text="This help" />
      </dl>
    </Dialog>
  );
}

function Line({ keys, text }: { keys: readonly string[]; text: string }) {
  return (
    <>
      <dt className="flex gap-1">
        {keys.map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
      </dt>
      <dd>{text}</dd>
    </>
  );
}
