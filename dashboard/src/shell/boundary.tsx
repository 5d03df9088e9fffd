// When a page breaks, the page breaks and nothing else.
import { Compass, Lock } from "lucide-react";
import { Component, type ReactNode } from "react";
import { Link } from "wouter";
import { Empty, ErrorState } from "@/ui";
import { useMe } from "./session";

export class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    // A chunk of an older build is gone after an update of the gateway: only loading the page anew helps.
    const isOld = /dynamically imported module|Importing a module script failed|error loading/i.test(error.message);
    return (
      <ErrorState
        title={isOld ? "The gateway was updated" : "This page broke"}
        error={isOld ? new Error("Load the page again to get the console that belongs to it.") : error}
        retry={() => (isOld ? location.reload() : this.setState({ error: null }))}
      />
    );
  }
}

const home = (
  <Link href="/" className="font-medium text-accent hover:underline">
    Go to the start
  </Link>
);

export const NotFound = () => (
  <Empty icon={Compass} title="There is no such page" action={home}>
    The address may be mistyped, or belong to another version of the console.
  </Empty>
);

export function Forbidden() {
  return useMe().tenant ? (
    <Empty icon={Lock} title="This page is about everybody’s traffic" action={home}>
      You see the traffic of your tenant. An admin without one sees all.
    </Empty>
  ) : (
    <Empty icon={Lock} title="Your role does not allow this page" action={home}>
      An admin can give you another role under Settings.
    </Empty>
  );
}
