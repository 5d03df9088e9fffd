// What stands where nothing is yet, nothing is at all, or something went wrong.
import { CircleAlert, Inbox, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError, wordsOf } from "@/api/client";
import { cx } from "@/lib/cx";
import { Button } from "./button";

export function Skeleton({ className }: { className?: string }) {
  return <span aria-hidden className={cx("block animate-wait rounded-md bg-sunken", className ?? "h-4 w-full")} />;
}

/** Rows of a table or list that is on its way. */
export function SkeletonRows({ rows = 6 }: { rows?: number }) {
  return (
    <div role="status" className="flex flex-col gap-3 p-4">
      <span className="sr-only">Loading</span>
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} className="h-5 w-full" />
      ))}
    </div>
  );
}

export function Empty({
  icon: Icon = Inbox,
  title,
  children,
  action,
}: {
  icon?: LucideIcon;
  title: string;
  /** Why it is empty, or what to do. */
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-10 text-center">
      <Icon className="size-6 text-faint" aria-hidden />
      <p className="font-medium">{title}</p>
      {children && <div className="max-w-prose text-sm text-muted">{children}</div>}
      {action && <div className="pt-2">{action}</div>}
    </div>
  );
}

export function ErrorState({ error, retry, title }: { error: unknown; retry?: () => void; title?: string }) {
  const list = error instanceof ApiError ? error.errors : [];
  return (
    <div role="alert" className="flex flex-col items-center gap-2 px-6 py-10 text-center">
      <CircleAlert className="size-6 text-bad" aria-hidden />
      <p className="font-medium">{title ?? "This could not be loaded"}</p>
      <p className="max-w-prose text-sm text-muted">{wordsOf(error)}</p>
      {list.length > 0 && (
        <ul className="max-w-prose list-disc text-left text-sm text-muted">
          {list.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
      {retry && (
        <Button className="mt-2" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** The usual three: waiting, failed, there. `children` gets the data. */
export function Loaded<T>({
  query,
  waiting,
  children,
}: {
  query: { data: T | undefined; error: unknown; isPending: boolean; refetch: () => unknown };
  waiting?: ReactNode;
  children: (data: T) => ReactNode;
}) {
  // Data that is there stays, even if the latest question failed; the connection in the top bar says that it is old.
  if (query.data !== undefined) return children(query.data);
  if (query.error) return <ErrorState error={query.error} retry={() => void query.refetch()} />;
  return waiting ?? <SkeletonRows />;
}
