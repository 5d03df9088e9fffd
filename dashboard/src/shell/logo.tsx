/** The gate. */
export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" className={className} aria-hidden focusable="false">
      <rect width="32" height="32" rx="7" fill="#4f6ef7" />
      <path
        d="M8 25V13a8 8 0 0 1 16 0v12M13 9v16M19 9v16M8 16h16M8 21h16"
        fill="none"
        stroke="#fff"
        strokeWidth="2"
        strokeLinecap="round"
      />
    </svg>
  );
}
