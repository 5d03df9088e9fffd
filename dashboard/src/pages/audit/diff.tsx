// What a version of the settings changed: before and after, one place under the other.
import type { Version } from "@/api/types";
import { cx } from "@/lib/cx";
import { Foreign } from "@/ui";

export function Diff({ changes }: { changes: Version["changes"] }) {
  if (changes.length === 0) return <p className="text-[13px] text-muted">Nothing differs from the version before.</p>;
  return (
    <ul className="flex flex-col gap-3" aria-label="Changes">
      {changes.map(({ path, before, after }) => (
        <li key={path} className="min-w-0 overflow-hidden rounded-lg border border-line">
          <p className="border-b border-line bg-sunken px-3 py-1.5 font-mono text-xs break-all">
            <Foreign text={path} />
          </p>
          <Side sign="−" name="before" value={before} className="bg-bad-soft" />
          <Side sign="+" name="after" value={after} className="bg-ok-soft" />
        </li>
      ))}
    </ul>
  );
}

function Side({ sign, name, value, className }: { sign: string; name: string; value: unknown; className: string }) {
  const isThere = value !== undefined && value !== null;
  return (
    <div className={cx("flex gap-3 px-3 py-1.5 text-xs", isThere && className)}>
      <span className="w-14 shrink-0 text-muted">
        <span aria-hidden className="font-mono">
          {sign}
        </span>{" "}
        {name}
      </span>
      {isThere ? (
        <pre className="min-w-0 flex-1 font-mono break-all whitespace-pre-wrap">
          <Foreign text={written(value)} />
        </pre>
      ) : (
        <span className="text-muted">as the configuration file has it</span>
      )}
    </div>
  );
}

const written = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value, null, typeof value === "object" ? 2 : 0);
