// Who is there decides what is drawn: the login, the choice of a password, or the console.
import { type ComponentType, type LazyExoticComponent, lazy, useEffect, useMemo } from "react";
import { Redirect, Route, Switch } from "wouter";
import { live } from "@/api/live";
import { queryClient } from "@/api/queries";
import type { Me } from "@/api/types";
import { PAGES, type PageEntry } from "@/pages";
import { Forbidden, NotFound } from "@/shell/boundary";
import { ChoosePassword, Login } from "@/shell/login";
import { askAgain, may, useSession, watchForTheEnd } from "@/shell/session";
import { Shell } from "@/shell/shell";
import { Empty, ErrorState, Skeleton, Toaster, TooltipProvider } from "@/ui";

export function App() {
  const session = useSession();
  useEffect(watchForTheEnd, []);
  return (
    <TooltipProvider>
      {session.data ? (
        session.data.must_change_password ? (
          <ChoosePassword me={session.data} />
        ) : (
          <Console me={session.data} />
        )
      ) : session.data === null ? (
        <Login />
      ) : (
        <main className="flex min-h-dvh items-center justify-center p-4">
          {session.error ? (
            <ErrorState
              title="The gateway does not answer"
              error={session.error}
              retry={() => void session.refetch()}
            />
          ) : (
            <Skeleton className="h-40 w-80" />
          )}
        </main>
      )}
      <Toaster />
    </TooltipProvider>
  );
}

const drawn = new Map<string, LazyExoticComponent<ComponentType>>();
function drawnBy(page: PageEntry) {
  let component = drawn.get(page.path);
  if (!component) {
    component = lazy(page.load);
    drawn.set(page.path, component);
  }
  return component;
}

const maySee = (me: Me, page: PageEntry) => may(me, page.role ?? "viewer") && (!me.tenant || page.tenant === true);

function Console({ me }: { me: Me }) {
  const pages = useMemo(() => PAGES.filter((page) => maySee(me, page)), [me]);
  useEffect(() => {
    live.onDown = () => void askAgain();
    live.onBack = () => void queryClient.invalidateQueries();
    live.start(me.tenant !== undefined);
    return () => live.stop();
  }, [me.tenant]);
  const first = pages[0];
  return (
    <Shell pages={pages}>
      <Switch>
        {PAGES.map((page) => (
          // Everything below the page's path is the page's.
          <Route
            key={page.path}
            path={new RegExp(`^${page.path}(?:/.*)?$`)}
            component={maySee(me, page) ? drawnBy(page) : Forbidden}
          />
        ))}
        <Route path="/">
          {first ? <Redirect to={first.path} replace /> : <Empty title="No page has been built into this console" />}
        </Route>
        <Route component={NotFound} />
      </Switch>
    </Shell>
  );
}
