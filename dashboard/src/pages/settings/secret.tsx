// A password or token that is shown this once.
import { KeyRound } from "lucide-react";
import { Button, CopyButton, Dialog } from "@/ui";

export interface Secret {
  title: string;
  /** What it is for, and what to do with it. */
  words: string;
  text: string;
}

export function SecretDialog({ secret, onClose }: { secret: Secret | null; onClose: () => void }) {
  return (
    <Dialog
      open={secret !== null}
      onClose={onClose}
      title={secret?.title}
      description={secret?.words}
      footer={
        <Button variant="primary" onClick={onClose}>
          I have it
        </Button>
      }
    >
      <div className="flex items-center gap-2 rounded-md border border-line bg-sunken px-3 py-2">
        <KeyRound className="size-4 shrink-0 text-muted" aria-hidden />
        <code className="min-w-0 flex-1 font-mono text-sm break-all">{secret?.text}</code>
        <CopyButton text={secret?.text ?? ""} />
      </div>
      <p className="mt-2 text-xs text-muted">
        It is shown this once and kept nowhere in readable form. Who loses it gets a new one.
      </p>
    </Dialog>
  );
}
