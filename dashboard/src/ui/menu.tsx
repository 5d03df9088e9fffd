// A menu under a button.
import type { LucideIcon } from "lucide-react";
import { DropdownMenu as Radix } from "radix-ui";
import type { ReactElement, ReactNode } from "react";

export interface MenuItem {
  label: string;
  icon?: LucideIcon;
  onSelect: () => void;
  checked?: boolean;
}

export function Menu({
  trigger,
  heading,
  items,
}: {
  trigger: ReactElement;
  heading?: ReactNode;
  items: readonly (MenuItem | "line")[];
}) {
  return (
    // Not modal: the modal kind writes a style element, which the policy of the page forbids.
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align="end"
          sideOffset={6}
          collisionPadding={8}
          className="z-50 min-w-48 animate-appear rounded-lg border border-line bg-raised p-1 shadow-pop"
        >
          {heading && <div className="px-2 py-1.5 text-xs text-muted">{heading}</div>}
          {items.map((item, index) =>
            item === "line" ? (
              <Radix.Separator key={index} className="my-1 h-px bg-line" />
            ) : (
              <Radix.Item
                key={item.label}
                onSelect={item.onSelect}
                className="flex h-8 items-center gap-2 rounded-md px-2 outline-none select-none data-highlighted:bg-hover"
              >
                {item.icon && <item.icon className="size-4 text-muted" aria-hidden />}
                <span className="flex-1">{item.label}</span>
                {item.checked && <span className="text-accent">✓</span>}
              </Radix.Item>
            ),
          )}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
