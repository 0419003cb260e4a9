import { command } from '../command.ts';

export const prometheusSetup = command({
  name: 'prometheus setup',
  summary: 'write the files for Prometheus and say what to paste',
  examples: [
    { line: 'torchpass prometheus setup', shows: 'files, text to paste, steps' },
    { line: 'torchpass prometheus setup --output json | jq -r .scrapeConfig', shows: 'only the text to paste' },
  ],
  arguments: {},
  options: {},
  run: ({ api }) => api.setUpPrometheus(),
  print({ folder, files, scrapeConfig, steps }, page) {
    const { bold } = page.colors;
    page.line(`Files for Prometheus, in ${bold(folder)}:`);
    page.line();
    page.table(
      [
        { title: '', value: (file) => `  ${file.path}` },
        { title: '', value: (file) => file.purpose },
      ],
      files,
    );
    page.line();
    page.line('To paste into prometheus.yml:');
    page.line();
    page.line(scrapeConfig.trimEnd());
    page.line();
    page.line('What to do:');
    page.line();
    for (const [index, step] of steps.entries()) page.line(`  ${index + 1}. ${step}`);
  },
});
