import { View } from '../parts/view.tsx';
import { Editor } from './editor.tsx';

const example = `# Documents as apply takes them; several are parted by a line of ---
kind: client
name: Acme
data_rules: { avoid_cloud: true }
`;

/** Tries any documents without changing anything. */
export const WhatIf = () => (
  <View title="What if">
    <p>
      What these documents would change. <em>Dry run</em> checks them; <em>Replay</em> makes recorded decisions again by
      the rules themselves, and says which tasks move and what they would cost. To retire a model or change a client,
      open its document under <a href="/documents">Documents</a>: its editor does the same with the text that is there.
    </p>
    <Editor path="what-if.yaml" text={example} onApplied={() => {}} />
  </View>
);
