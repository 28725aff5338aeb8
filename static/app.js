// What pages do beyond plain HTML and htmx. Everything here is an extra: forms and links work without it.
(function () {
  const root = document.documentElement;
  const TOAST_SECONDS = 8;
  const YEAR = 365 * 24 * 3600;

  // --- Theme -------------------------------------------------------------------------------------------------------

  document.getElementById("theme-form")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const dark = root.classList.toggle("pf-v6-theme-dark");
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${dark ? "dark" : "light"}; path=/; max-age=${YEAR}; SameSite=Lax${secure}`;
  });

  // --- Sidebar -----------------------------------------------------------------------------------------------------

  const sidebar = document.getElementById("sidebar");
  const toggle = document.getElementById("sidebar-toggle");
  const wide = window.matchMedia("(min-width: 75rem)");

  function showSidebar(shown) {
    sidebar.classList.toggle("pf-m-expanded", shown && !wide.matches);
    sidebar.classList.toggle("pf-m-collapsed", !shown && wide.matches);
    toggle.setAttribute("aria-expanded", String(shown));
  }

  if (sidebar && toggle) {
    showSidebar(wide.matches);
    wide.addEventListener("change", () => showSidebar(wide.matches));
    toggle.addEventListener("click", () => showSidebar(toggle.getAttribute("aria-expanded") !== "true"));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !wide.matches) showSidebar(false);
    });
  }

  // --- Toasts: good news leaves by itself, errors stay -----------------------------------------------------------------

  function expireToasts() {
    for (const toast of document.querySelectorAll("#toasts > li:not([data-expires])")) {
      toast.dataset.expires = "";
      if (toast.querySelector(".pf-m-success, .pf-m-info")) setTimeout(() => toast.remove(), TOAST_SECONDS * 1000);
    }
  }

  document.addEventListener("click", (event) => {
    event.target.closest("[data-close-toast]")?.closest("li").remove();
  });

  // --- Copy ----------------------------------------------------------------------------------------------------------

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const field = button.parentElement.querySelector("input");
    field.select();
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      document.execCommand("copy"); // pages served without TLS have no clipboard object
    }
    const icon = button.querySelector("i");
    icon.classList.replace("fa-copy", "fa-check");
    setTimeout(() => icon.classList.replace("fa-check", "fa-copy"), 2000);
  });

  // --- Times: exact local time on hover ---------------------------------------------------------------------------------

  function nameLocalTimes() {
    for (const time of document.querySelectorAll("time:not([title])")) {
      time.title = new Date(time.dateTime).toLocaleString();
    }
  }

  // --- Architecture filter: says what is chosen, as the server will (mirrors/web/words.py) ----------------------------------

  const filter = document.getElementById("architecture_filter");
  const others = document.getElementById("other_platforms");
  const indexMode = document.getElementById("index_mode");

  function sentenceOf(names, isQuays) {
    if (!names.length) return "All architectures of multi-arch images will be mirrored.";
    const rewritten = indexMode.value === "rewritten" ? " Their indexes are rewritten, so their digests change." : "";
    return `Only ${names.join(", ")}${isQuays ? " architecture(s)" : ""} will be mirrored.${rewritten}`;
  }

  function namePlatforms() {
    const boxes = [...filter.querySelectorAll("[type=checkbox]")];
    const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
    const typed = others.value.split(",").map((part) => part.trim()).filter(Boolean);
    const names = [...new Set([...chosen, ...typed])];
    filter.querySelector("[data-architecture-names]").textContent = names.join(", ") || "All architectures";
    const badge = filter.querySelector("[data-testid=architecture-filter-badge]");
    badge.textContent = names.length;
    badge.hidden = !names.length;
    const isQuays = names.every((name) => boxes.some((box) => box.value === name));
    document.querySelector("[data-testid=architecture-filter-helper]").textContent = sentenceOf(names, isQuays);
  }

  if (filter) {
    filter.addEventListener("change", namePlatforms);
    others.addEventListener("input", namePlatforms);
    filter.querySelector("[data-testid=architecture-clear-all]").addEventListener("click", () => {
      for (const box of filter.querySelectorAll("input:checked")) box.checked = false;
      others.value = "";
      namePlatforms();
    });
    namePlatforms();
  }

  // --- Live status -------------------------------------------------------------------------------------------------------

  const announcer = document.createElement("p");
  announcer.className = "pf-v6-screen-reader";
  announcer.setAttribute("aria-live", "polite");
  document.body.append(announcer);
  let scrolled = 0;
  let lastState = document.getElementById("status")?.dataset.state;

  function isPoll(event) {
    return event.detail.elt.id === "status";
  }

  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (isPoll(event) && document.hidden) event.preventDefault(); // a hidden page asks nothing
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && document.getElementById("status")) window.htmx.trigger("#status", "refresh");
  });
  document.body.addEventListener("htmx:beforeSwap", () => {
    scrolled = document.getElementById("tags-scroll")?.scrollTop || 0;
  });
  document.body.addEventListener("htmx:afterSettle", () => {
    const list = document.getElementById("tags-scroll");
    if (list) list.scrollTop = scrolled;
    const state = document.getElementById("status")?.dataset.state;
    if (state && state !== lastState) announcer.textContent = `Mirroring: ${state}`;
    lastState = state;
    expireToasts();
    nameLocalTimes();
  });
  for (const name of ["htmx:sendError", "htmx:responseError"]) {
    document.body.addEventListener(name, (event) => {
      const warning = document.querySelector(".app-lost-connection");
      if (!isPoll(event)) {
        document.getElementById("toasts").append(document.getElementById("failed-toast").content.cloneNode(true));
      } else if (warning) warning.hidden = false;
    });
  }

  expireToasts();
  nameLocalTimes();
})();
