// The filter of a list and its span of time, both in the address, so that a link shows the same.
import { Search, X } from "lucide-react";
import { type ReactNode, useEffect, useId, useState } from "react";
import { useRested } from "@/lib/hooks";
import { SPANS, type Span, useRange } from "@/lib/range";
import { visible } from "@/lib/text";
import { useUrlState } from "@/lib/url";
import { Button } from "./button";
import { Input, type Option, Select } from "./form";

export interface FilterField {
  /** The name in the address, and in the API. */
  name: string;
  label: string;
  /** A list to choose from; without it, words to type. */
  options?: readonly Option[];
  placeholder?: string;
}

/** The values of these fields in the address, as a query for the API; what is empty is left out. */
export function useFilters(fields: readonly FilterField[]): Record<string, string> {
  const [values] = useUrlState();
  return Object.fromEntries(
    fields.flatMap(({ name }) => {
      const value = values.get(name);
      return value ? [[name, value]] : [];
    }),
  );
}

export function FilterBar({
  fields,
  search,
  children,
}: {
  fields: readonly FilterField[];
  /** The field that is a search box in front; its value follows the typing. */
  search?: FilterField;
  /** At the end: a range, an export. */
  children?: ReactNode;
}) {
  const [values, change] = useUrlState();
  const all = search ? [search, ...fields] : fields;
  const active = all.filter(({ name }) => values.get(name));
  return (
    <div role="search" aria-label="Filter" className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-2">
        {search && (
          <TypedFilter
            key={search.name}
            field={search}
            value={values.get(search.name) ?? ""}
            onValue={(value) => change({ [search.name]: value })}
          />
        )}
        {fields.map((field) =>
          field.options ? (
            <LabelledSelect
              key={field.name}
              field={field}
              value={values.get(field.name) ?? ""}
              onValue={(value) => change({ [field.name]: value })}
            />
          ) : (
            <TypedFilter
              key={field.name}
              field={field}
              narrow
              value={values.get(field.name) ?? ""}
              onValue={(value) => change({ [field.name]: value })}
            />
          ),
        )}
        <span className="flex-1" />
        {children}
      </div>
      {active.length > 0 && (
        <ul className="flex flex-wrap items-center gap-1.5" aria-label="Active filters">
          {active.map(({ name, label, options }) => {
            const value = values.get(name) ?? "";
            const word = options?.find((option) => option.value === value)?.label ?? visible(value);
            return (
              <li key={name}>
                <button
                  type="button"
                  className="inline-flex h-6 max-w-72 items-center gap-1 rounded-full bg-accent-soft px-2 text-xs text-accent hover:underline"
                  onClick={() => change({ [name]: undefined })}
                >
                  <span className="truncate">
                    {label}: {word}
                  </span>
                  <X className="size-3 shrink-0" aria-hidden />
                  <span className="sr-only">remove</span>
                </button>
              </li>
            );
          })}
          <li>
            <Button
              size="sm"
              variant="ghost"
              onClick={() => change(Object.fromEntries(all.map(({ name }) => [name, undefined])))}
            >
              Clear all
            </Button>
          </li>
        </ul>
      )}
    </div>
  );
}

function LabelledSelect({
  field,
  value,
  onValue,
}: {
  field: FilterField;
  value: string;
  onValue: (value: string) => void;
}) {
  // Several values, or one that the list does not know, stand in the address by hand; the list shows them as they are.
  const options = field.options ?? [];
  const known = !value || options.some((option) => option.value === value);
  return (
    <Select
      aria-label={field.label}
      className="w-auto! max-w-44"
      placeholder={field.placeholder ?? `Any ${field.label.toLowerCase()}`}
      options={known ? options : [...options, { value, label: visible(value) }]}
      value={value}
      onValue={onValue}
    />
  );
}

function TypedFilter({
  field,
  value,
  onValue,
  narrow = false,
}: {
  field: FilterField;
  value: string;
  onValue: (value: string) => void;
  narrow?: boolean;
}) {
  const id = useId();
  const [text, setText] = useState(value);
  const rested = useRested(text);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only rested typing changes the address
  useEffect(() => {
    if (rested !== value && rested === text) onValue(rested);
  }, [rested]);
  useEffect(() => setText(value), [value]);
  return (
    <div className={narrow ? "relative w-36" : "relative w-64 max-sm:w-full"}>
      <label htmlFor={id} className="sr-only">
        {field.label}
      </label>
      {!narrow && <Search className="pointer-events-none absolute top-2 left-2.5 size-4 text-faint" aria-hidden />}
      <Input
        id={id}
        type="search"
        className={narrow ? "" : "pl-8"}
        placeholder={field.placeholder ?? field.label}
        value={text}
        data-search={narrow ? undefined : ""}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") onValue(text);
        }}
      />
    </div>
  );
}

/** Chooses the span of time that `useRange` reads from the address. */
export function TimeRange({ fallback = "24h", only }: { fallback?: Span; only?: readonly Span[] }) {
  const [range, setRange] = useRange(fallback);
  const options = SPANS.filter(({ value }) => !only || only.includes(value)).map(({ value, label }) => ({
    value: value as string,
    label,
  }));
  const fixed = { value: "fixed", label: range.label };
  return (
    <Select
      aria-label="Time range"
      className="w-auto!"
      options={range.span ? options : [fixed, ...options]}
      value={range.span ?? "fixed"}
      onValue={(value) => value !== "fixed" && setRange(value as Span)}
    />
  );
}
