// The hourly wage a reward amounts to, while it is typed.
"use strict";

for (const field of document.querySelectorAll("[data-reward]")) {
  const key = field.name.replace("reward-", "");
  const tasks = document.querySelector(`[name="tasks-${key}"]`);
  const note = field.parentElement.querySelector("[data-wage]");
  const show = () => {
    const seconds = Number(field.dataset.seconds) * Math.max(Number(tasks.value), 1);
    const wage = (Number(field.value) * 3600) / seconds;
    note.textContent = Number.isFinite(wage) ? `about $${wage.toFixed(2)} an hour, at ${field.dataset.seconds} s an image` : "";
  };
  field.addEventListener("input", show);
  tasks.addEventListener("input", show);
  show();
}
