// The policies as they serve: what becomes of a request by its score, and whether the file or a change made here says so.
import { Eye, FilePen, ShieldCheck, ShieldOff } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import { useApi } from "@/api/queries";
import type { Overlay, Policy, Settings } from "@/api/types";
import { useMay } from "@/shell/session";
import { Badge, type BadgeTone, Button, Card, Empty, Foreign, Loaded } from "@/ui";
import { inWords, isBare, MODE_HINTS, MODE_NAMES, type Mode, over, SETTING_NAMES, SETTINGS, serving } from "./draft";
import { PolicyEditor } from "./editor";
import { ThresholdScale } from "./scale";

export const useSettings = () => useApi("/api/v1/config", {}, { refetchInterval: 15_000 });

export function Policies() {
  const query = useSettings();
  const mayChange = useMay("admin");
  const [edited, setEdited] = useState<string | null>(null);
  return (
    <Loaded query={query}>
      {(settings) => {
        const policy = settings.policies.find(({ name }) => name === edited);
        return (
          <div className="flex flex-col gap-4">
            <Layers settings={settings} />
            {settings.policies.length === 0 && <Empty title="There is no policy" />}
            {settings.policies.map((one) => (
              <PolicyCard
                key={one.name}
                policy={one}
                overlay={settings.overlay}
                onEdit={mayChange ? () => setEdited(one.name) : undefined}
              />
            ))}
            {policy && <PolicyEditor settings={settings} policy={policy} onClose={() => setEdited(null)} />}
          </div>
        );
      }}
    </Loaded>
  );
}

function Layers({ settings: { version, applied, overlay } }: { settings: Settings }) {
  const words = isBare(overlay)
    ? "Everything is as the configuration file says. Changes made here lie over the file and serve at once; the file itself is never written."
    : `Version ${version} of the changes made here lies over the configuration file. The file itself is never written.`;
  return (
    <p className="text-sm text-muted">
      {words}{" "}
      {version !== applied && (
        <Badge tone="warn">This gateway serves version {applied} and will follow within seconds</Badge>
      )}
    </p>
  );
}

const MODES: Record<Mode, { tone: BadgeTone; icon: typeof Eye }> = {
  enforce: { tone: "ok", icon: ShieldCheck },
  observe: { tone: "warn", icon: Eye },
  off: { tone: "bad", icon: ShieldOff },
};

function PolicyCard({
  policy,
  overlay,
  onEdit,
}: {
  policy: Policy;
  overlay: Overlay;
  onEdit: (() => void) | undefined;
}) {
  const mode = policy.mode as Mode;
  const look = MODES[mode] ?? MODES.off;
  const { tag, throttle, deny } = policy.thresholds;
  const changed = SETTINGS.filter((setting) => over(overlay, policy.name, setting) !== undefined);
  return (
    <Card
      title={
        <span className="flex flex-wrap items-center gap-2 text-sm">
          <Foreign text={policy.name} />
          <Badge tone={look.tone} icon={look.icon}>
            {MODE_NAMES[mode] ?? policy.mode}
          </Badge>
        </span>
      }
      hint={MODE_HINTS[mode]}
      actions={
        onEdit && (
          <Button size="sm" icon={FilePen} onClick={onEdit}>
            Change
          </Button>
        )
      }
    >
      <div className="flex flex-col gap-4">
        <div>
          <h3 className="mb-2 text-xs font-medium text-muted">
            What becomes of a request, by its threat score (0 harmless, 100 certain attack)
          </h3>
          <ThresholdScale tag={tag} throttle={throttle} deny={deny} off={mode === "off"} />
        </div>
        <dl className="grid grid-cols-2 gap-x-6 gap-y-3 md:grid-cols-3 xl:grid-cols-6">
          {SETTINGS.map((setting) => (
            <div key={setting} className="min-w-0">
              <dt className="truncate text-xs text-muted">{SETTING_NAMES[setting]}</dt>
              <dd className="font-medium">{inWords(setting, serving(policy, setting))}</dd>
              <dd>
                {changed.includes(setting) ? (
                  <Badge tone="accent">changed here</Badge>
                ) : (
                  <span className="text-xs text-faint">from the file</span>
                )}
              </dd>
            </div>
          ))}
          <div className="min-w-0">
            <dt className="truncate text-xs text-muted">Exceptions</dt>
            <dd className="font-medium">
              {policy.exceptions === 0 ? (
                "none"
              ) : (
                <Link href="/rules" className="hover:underline">
                  {policy.exceptions}
                </Link>
              )}
            </dd>
          </div>
        </dl>
        <p className="text-xs text-muted">
          Serves {policy.routes.length === 0 ? "no route" : policy.routes.length === 1 ? "the route " : "the routes "}
          {policy.routes.map((route, index) => (
            <span key={route}>
              {index > 0 && ", "}
              <Foreign text={route} className="font-mono text-text" />
            </span>
          ))}
          . Behaviour {policy.behaviour ? "is watched" : "is not watched"}; answers{" "}
          {policy.responses ? "are inspected" : "are not inspected"}.
        </p>
      </div>
    </Card>
  );
}
