// Whether what is shown is alive. Said in words, with a sign and a colour; a click tries again at once.
import { CircleDashed, Pause, Radio, WifiOff } from "lucide-react";
import { type Connection, live, useLive } from "@/api/live";
import { cx } from "@/lib/cx";
import { useNow } from "@/lib/hooks";

const LOOKS: Record<Connection, { word: string; long: string; className: string; icon: typeof Radio }> = {
  live: { word: "Live", long: "Live: what you see is what happens now", className: "text-ok", icon: Radio },
  events: { word: "Live", long: "Live, by server-sent events", className: "text-ok", icon: Radio },
  connecting: { word: "Connecting", long: "Connecting to the live feed", className: "text-muted", icon: CircleDashed },
  lost: { word: "Reconnecting", long: "The connection is lost", className: "text-warn", icon: WifiOff },
  paused: { word: "Paused", long: "Paused while the page was hidden", className: "text-muted", icon: Pause },
  off: { word: "Off", long: "Not connected", className: "text-muted", icon: WifiOff },
};

export function ConnectionState() {
  const connection = useLive((feed) => feed.connection);
  const retryAt = useLive((feed) => feed.retryAt);
  const now = useNow(500);
  const { word, long, className, icon: Icon } = LOOKS[connection];
  const wait = retryAt ? Math.max(0, Math.ceil((retryAt - now) / 1000)) : 0;
  const isLost = connection === "lost";
  return (
    <button
      type="button"
      data-connection={connection}
      onClick={live.retryNow}
      title={isLost ? `${long}. Trying again${wait ? ` in ${wait} s` : ""}; click to try now.` : long}
      className={cx(
        "inline-flex h-7 items-center gap-1.5 rounded-full bg-sunken px-2.5 text-xs font-medium",
        className,
      )}
    >
      <Icon className={cx("size-3.5", connection === "connecting" && "animate-spin")} aria-hidden />
      <span role="status">{word}</span>
      {isLost && wait > 1 && <span aria-hidden>{wait} s</span>}
    </button>
  );
}

/** A line over the page while the feed is lost: figures below may be old. */
export function LostBanner() {
  const connection = useLive((feed) => feed.connection);
  if (connection !== "lost") return null;
  return (
    <p role="alert" className="border-b border-line bg-warn-soft px-4 py-1.5 text-center text-xs text-warn">
      The connection to the gateway is lost. What you see may be old; it comes back by itself.
    </p>
  );
}
