// The name of a subject with the sign of its kind.
import { Globe, Key, type LucideIcon, Monitor, Network, Ticket, UserRound } from "lucide-react";
import { Foreign } from "@/ui";
import { subjectParts } from "../logs/words";

const ICONS: Record<string, LucideIcon> = {
  Address: Globe,
  Client: Monitor,
  User: UserRound,
  Session: Ticket,
  "API key": Key,
  Prefix: Network,
  System: Network,
};

export function SubjectName({ subject }: { subject: string }) {
  const [kind, name] = subjectParts(subject);
  const Icon = ICONS[kind];
  return (
    <span className="inline-flex max-w-full items-center gap-2">
      {Icon && <Icon className="size-4 shrink-0 text-muted" aria-hidden />}
      <span className="min-w-0 truncate">
        {kind && <span className="text-muted max-sm:sr-only">{kind} </span>}
        <Foreign text={name} />
      </span>
    </span>
  );
}
