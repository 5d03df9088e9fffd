// Everything that serves, defaults included, for who wants to know exactly. Secrets are blacked out by the gateway.
import { ChevronRight } from "lucide-react";
import { title } from "@/lib/format";
import { Card, CodeBlock, Loaded } from "@/ui";
import { useSettings } from "./policies";

export function Everything() {
  const query = useSettings();
  return (
    <Loaded query={query}>
      {({ settings }) => (
        <Card
          flush
          title="Everything that serves"
          hint="The file, its defaults, and the changes made here, in one. Only the file can change what stands below, except policies."
        >
          <ul>
            {Object.entries(settings as Record<string, unknown>).map(([name, value]) => (
              <li key={name} className="border-t border-line">
                <Section name={name} value={value} />
              </li>
            ))}
          </ul>
        </Card>
      )}
    </Loaded>
  );
}

function Section({ name, value }: { name: string; value: unknown }) {
  return (
    <details className="group">
      <summary className="flex cursor-pointer list-none items-center gap-2 px-4 py-2 hover:bg-hover focus-visible:-outline-offset-2">
        <ChevronRight className="size-4 text-faint transition-transform group-open:rotate-90" aria-hidden />
        <span className="font-medium">{title(name)}</span>
        <span className="min-w-0 flex-1 truncate text-right text-xs text-muted">{inShort(value)}</span>
      </summary>
      <div className="px-4 pb-3">
        <CodeBlock text={JSON.stringify(value, null, 2)} label={title(name)} />
      </div>
    </details>
  );
}

/** A word about a section that is closed. */
export function inShort(value: unknown): string {
  if (value === null || value === undefined) return "not set";
  if (Array.isArray(value)) return value.length === 0 ? "none" : `${value.length}`;
  if (typeof value !== "object") return String(value);
  const { enabled } = value as { enabled?: unknown };
  if (typeof enabled === "boolean") return enabled ? "on" : "off";
  const names = Object.keys(value);
  return names.length === 0 ? "none" : names.join(", ");
}
