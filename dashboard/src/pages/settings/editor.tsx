// Changes a policy: first the form, then what would differ, then the save. Somebody else's save in between is shown,
// and the own change is laid over theirs.
import { ArrowRight, RotateCcw, TriangleAlert } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { ApiError, call } from "@/api/client";
import { keyOf, queryClient, useSend } from "@/api/queries";
import type { Policy, Settings, Version } from "@/api/types";
import { Badge, Button, Dialog, Field, Foreign, Input, Select, toast } from "@/ui";
import {
  type Difference,
  type Draft,
  differences,
  inWords,
  MODE_HINTS,
  MODE_NAMES,
  type Mode,
  NEVER,
  over,
  overlayWith,
  PARANOIA_NAMES,
  problemOf,
  SETTING_NAMES,
  type Setting,
  serving,
  touched,
  type Value,
  warningOf,
} from "./draft";
import { ThresholdScale } from "./scale";

const OLD = ["/api/v1/config", "/api/v1/exceptions", "/api/v1/info"];

export function PolicyEditor({
  settings,
  policy,
  onClose,
}: {
  settings: Settings;
  policy: Policy;
  onClose: () => void;
}) {
  const [draft, setDraft] = useState<Draft>({});
  const [review, setReview] = useState(false);
  const [comment, setComment] = useState("");
  const [meanwhile, setMeanwhile] = useState<Version | null>(null);
  const [refused, setRefused] = useState<ApiError | null>(null);
  // The version that this form was filled from; another save under way is noticed by it.
  const [base, setBase] = useState(settings.version);
  const save = useSend("put", "/api/v1/config", OLD);
  const form = useId();
  const changes = differences(policy, settings.overlay, draft);
  const problem = problemOf(policy, draft);
  const set = (setting: Setting, value: Value | null) => {
    setRefused(null);
    setDraft((before) => ({ ...before, [setting]: value }));
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!problem && changes.length > 0) setReview(true);
  };
  const store = () => {
    const overlay = overlayWith(settings.overlay, policy.name, touched(policy, settings.overlay, draft));
    save.mutate(
      { body: { base, overlay, comment } },
      {
        onSuccess: ({ version }) => {
          toast(`Saved as version ${version}; it serves now`);
          onClose();
        },
        onError: (error) => {
          if (error instanceof ApiError && error.status === 409) void lookAgain();
          else if (error instanceof ApiError && error.status === 422) setRefused(error);
          else toast.error(error);
        },
      },
    );
  };
  const lookAgain = async () => {
    try {
      const [fresh, list] = await Promise.all([
        call("get", "/api/v1/config"),
        call("get", "/api/v1/config/versions", { query: { limit: 1 } }),
      ]);
      queryClient.setQueryData(keyOf("/api/v1/config"), fresh);
      setBase(fresh.version);
      setMeanwhile(list.versions[0] ?? null);
    } catch (error) {
      toast.error(error);
    }
  };

  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={
        <>
          {review ? "Look over the change of " : "Change "}
          <Foreign text={policy.name} />
        </>
      }
      description={review ? "Nothing is saved yet." : "It lies over the file and can be taken back at any time."}
      footer={
        review ? (
          <>
            <Button onClick={() => setReview(false)}>Back</Button>
            <Button variant="primary" busy={save.isPending} disabled={changes.length === 0} onClick={store}>
              {meanwhile ? "Save on top" : "Save"}
            </Button>
          </>
        ) : (
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button type="submit" form={form} variant="primary" disabled={!!problem || changes.length === 0}>
              Show what changes
            </Button>
          </>
        )
      }
    >
      {review ? (
        <div className="flex flex-col gap-4">
          {meanwhile && <Meanwhile version={meanwhile} />}
          {refused && <Refused error={refused} />}
          <Differences changes={changes} />
          {warningOf(policy, draft) && (
            <p className="flex items-center gap-2 rounded-md bg-warn-soft px-3 py-2 text-sm text-warn">
              <TriangleAlert className="size-4 shrink-0" aria-hidden />
              {warningOf(policy, draft)}
            </p>
          )}
          <Field label="Why" hint="Stands in the history and in the audit trail. May stay empty.">
            <Input value={comment} maxLength={1024} onChange={(event) => setComment(event.target.value)} />
          </Field>
        </div>
      ) : (
        <form id={form} onSubmit={submit} className="flex flex-col gap-5">
          <SettingField setting="mode" {...{ settings, policy, draft, set }} hint={MODE_HINTS[modeOf(policy, draft)]}>
            {(value, change) => (
              <Select
                value={String(value)}
                onValue={change}
                options={(Object.keys(MODE_NAMES) as Mode[]).map((mode) => ({ value: mode, label: MODE_NAMES[mode] }))}
              />
            )}
          </SettingField>
          <fieldset className="flex flex-col gap-3">
            <legend className="mb-2 text-xs font-medium text-muted">
              What becomes of a request, by its threat score
            </legend>
            {!problem && <Preview policy={policy} draft={draft} />}
            <div className="grid gap-4 sm:grid-cols-3">
              {(["tag", "throttle", "deny"] as const).map((setting) => (
                <SettingField key={setting} setting={setting} {...{ settings, policy, draft, set }}>
                  {(value, change) => (
                    <Input
                      type="number"
                      inputMode="numeric"
                      min={1}
                      max={NEVER}
                      required
                      value={Number.isNaN(value) ? "" : value}
                      onChange={(event) => change(event.target.value === "" ? Number.NaN : Number(event.target.value))}
                    />
                  )}
                </SettingField>
              ))}
            </div>
            <p className={problem ? "text-xs text-bad" : "text-xs text-muted"} role={problem ? "alert" : undefined}>
              {problem ?? "1 to 100; 101 means never. Lower is stricter: it stops more, and is wrong more often."}
            </p>
          </fieldset>
          <SettingField
            setting="paranoia"
            {...{ settings, policy, draft, set }}
            hint="More rules look, the higher it is. More attacks are seen, and more harmless requests suspected."
          >
            {(value, change) => (
              <Select
                value={String(value)}
                onValue={(next) => change(Number(next))}
                options={Object.entries(PARANOIA_NAMES).map(([level, label]) => ({ value: level, label }))}
              />
            )}
          </SettingField>
        </form>
      )}
    </Dialog>
  );
}

const modeOf = (policy: Policy, draft: Draft): Mode => (draft.mode ?? policy.mode) as Mode;

function Preview({ policy, draft }: { policy: Policy; draft: Draft }) {
  const score = (setting: "tag" | "throttle" | "deny") => Number(draft[setting] ?? policy.thresholds[setting]) || 0;
  return (
    <ThresholdScale
      tag={score("tag")}
      throttle={score("throttle")}
      deny={score("deny")}
      off={modeOf(policy, draft) === "off"}
    />
  );
}

/** A control with its name, where its value comes from, and the way back to the file. */
function SettingField({
  setting,
  settings,
  policy,
  draft,
  set,
  hint,
  children,
}: {
  setting: Setting;
  settings: Settings;
  policy: Policy;
  draft: Draft;
  set: (setting: Setting, value: Value | null) => void;
  hint?: string;
  children: (value: Value, change: (value: Value) => void) => Parameters<typeof Field>[0]["children"];
}) {
  const drafted = draft[setting];
  const isOver = over(settings.overlay, policy.name, setting) !== undefined;
  const name = SETTING_NAMES[setting];
  if (drafted === null) {
    return (
      <div className="flex flex-col items-start gap-1">
        <span className="text-xs font-medium text-muted">{name}</span>
        <span className="flex h-8 items-center gap-2">
          <Badge>as the file says</Badge>
          <Button size="sm" variant="ghost" onClick={() => set(setting, serving(policy, setting))}>
            Keep {inWords(setting, serving(policy, setting)).toLowerCase()}
          </Button>
        </span>
      </div>
    );
  }
  return (
    <div className="flex flex-col items-stretch gap-1">
      <Field label={name} hint={hint}>
        {children(drafted ?? serving(policy, setting), (value) => set(setting, value))}
      </Field>
      {isOver && (
        <Button size="sm" variant="ghost" icon={RotateCcw} className="self-start" onClick={() => set(setting, null)}>
          Back to the file
        </Button>
      )}
    </div>
  );
}

export function Differences({ changes }: { changes: readonly (Difference & { policy?: string })[] }) {
  if (changes.length === 0) return <p className="text-sm text-muted">Nothing differs any more.</p>;
  return (
    <ul className="flex flex-col gap-1.5" aria-label="What changes">
      {changes.map((change) => (
        <li
          key={`${change.policy}${change.name}`}
          className="flex flex-wrap items-center gap-x-2 gap-y-0.5 text-[13px]"
        >
          <span className="min-w-44 text-muted max-sm:w-full">
            {change.policy && (
              <>
                <Foreign text={change.policy} className="text-text" />
                {": "}
              </>
            )}
            <Foreign text={change.name} />
          </span>
          <span className="text-muted">{change.before}</span>
          <ArrowRight className="size-3.5 text-faint" role="img" aria-label="becomes" />
          <span className="font-medium">{change.after}</span>
        </li>
      ))}
    </ul>
  );
}

function Meanwhile({ version }: { version: Version }) {
  return (
    <div role="alert" className="flex gap-2 rounded-md bg-info-soft px-3 py-2 text-sm">
      <TriangleAlert className="mt-0.5 size-4 shrink-0 text-info" aria-hidden />
      <p>
        <Foreign text={version.author} className="font-medium" /> saved version {version.version} meanwhile
        {version.comment && (
          <>
            {" "}
            (“
            <Foreign text={version.comment} />
            ”)
          </>
        )}
        . Nothing of yours is lost: below is your change against theirs. Save once more to keep both.
      </p>
    </div>
  );
}

function Refused({ error }: { error: ApiError }) {
  return (
    <div role="alert" className="rounded-md bg-bad-soft px-3 py-2 text-sm text-bad">
      <p className="font-medium">{error.message}</p>
      <ul className="list-disc pl-5">
        {error.errors.map((line) => (
          <li key={line}>
            <Foreign text={line} />
          </li>
        ))}
      </ul>
    </div>
  );
}
