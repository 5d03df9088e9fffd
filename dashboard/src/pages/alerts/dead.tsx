// Messages that nobody took after all attempts: somebody who should know does not. Shown only while there are any.
import { CircleAlert } from "lucide-react";
import { Link } from "wouter";
import { useApi, useSend } from "@/api/queries";
import { Ago, Button, toast } from "@/ui";
import { Told } from "./history";
import { plural } from "./incident";

export function DeadLetters() {
  const { data } = useApi("/api/v1/alerts/deliveries/dead", {}, { refetchInterval: 30_000 });
  const retry = useSend("post", "/api/v1/alerts/deliveries/{id}/retry", ["/api/v1/alerts"]);
  const dead = data?.deliveries ?? [];
  if (dead.length === 0) return null;
  return (
    <details className="group card border-bad/50">
      <summary className="flex cursor-pointer items-center gap-2 p-4 font-medium">
        <CircleAlert className="size-4 shrink-0 text-bad" aria-hidden />
        {plural(dead.length, "message")} about alerts could not be delivered
        <span className="ml-auto text-[13px] font-normal text-accent group-open:hidden">Show</span>
        <span className="ml-auto hidden text-[13px] font-normal text-accent group-open:inline">Hide</span>
      </summary>
      <ul className="border-t border-line">
        {dead.map((delivery) => (
          <li
            key={delivery.id}
            className="flex flex-wrap items-start gap-3 border-b border-line px-4 py-3 text-[13px] last:border-0"
          >
            <Told delivery={delivery} />
            <span className="ml-auto flex items-center gap-3 text-xs text-muted">
              <Ago when={delivery.made} />
              <Link href={`/alerts?state=all&open=${delivery.alert}`} className="text-accent hover:underline">
                The alert
              </Link>
              <Button
                size="sm"
                busy={retry.isPending && retry.variables?.path?.id === delivery.id}
                onClick={() =>
                  retry.mutate(
                    { path: { id: delivery.id } },
                    { onSuccess: () => toast("It is attempted again."), onError: toast.error },
                  )
                }
              >
                Try again
              </Button>
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
